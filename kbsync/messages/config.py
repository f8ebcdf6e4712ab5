"""Messages about the configuration: codes KB-C001 and up, never re-used.

`file` is the file as it was named on the command line. A message whose exit is OK is a warning.
Gone: KB-C025, for keys that did nothing yet.
"""

from kbsync.messages import Advice, Exit, Message, shell, verb

_VALIDATE = (
    "correct the file (" + verb("schema --example") + " shows what each key takes), then: "
) + verb("validate")
_LINE = (
    "see the line, with what is hidden in it: " + shell("sed -n {line}l -- {file}") + ", then: "
) + verb("validate")
_RIGHTS = "check its path and rights: " + shell("ls -ld -- {path}")


def _refusal(code: str, text: str, following: Advice = _VALIDATE) -> Message:
    return Message(code, text, following, Exit.USAGE)


def _warning(code: str, text: str, following: Advice = _VALIDATE) -> Message:
    return Message(code, text, following, Exit.OK)


# The file.

FILE_MISSING = _refusal("KB-C001", "{file}: there is no such file", "make it with: " + verb("init"))
FILE_NOWHERE = _refusal(
    "KB-C410",
    "there is no configuration; it was looked for at {places}",
    "name yours behind -c or in KBSYNC_CONFIG, or make one here with: " + verb("init"),
)
FILE_UNREADABLE = _refusal(
    "KB-C002",
    "{file}: cannot be read: {why}",
    "check its rights, and who asks: " + shell("ls -l -- {file}") + "; " + shell("id"),
)
FILE_IS_FOLDER = _refusal(
    "KB-C003",
    "{file}: not a regular file; name the configuration file itself",
    verb("-c {file}/kbsync.yaml validate"),
)
FILE_EMPTY = _refusal(
    "KB-C004",
    "{file}: empty: neither `version` nor `mirrors` is in it",
    "have one to start from written in its place: " + shell("rm -- {file}") + " && " + verb("init"),
)
FILE_TOO_LARGE = _refusal(
    "KB-C005",
    "{file}: larger than {limit} bytes, the most that is read",
    "see whether it is the file that was meant: " + shell("ls -l -- {file}"),
)
FILE_NOT_UTF8 = _refusal(
    "KB-C006", "{file}:{line}: not UTF-8 (byte {byte}); save it as UTF-8", _LINE
)

# YAML.

YAML_TAB = _refusal(
    "KB-C010", "{file}:{line}: a tab where YAML allows only spaces; indent with spaces", _LINE
)
YAML_SYNTAX = _refusal("KB-C011", "{file}:{line}: not valid YAML: {why}", _LINE)
YAML_DEPTH = _refusal("KB-C012", "{file}:{line}: nested deeper than {limit} levels")
YAML_EXPANSION = _refusal(
    "KB-C013", "{file}:{line}: more than {limit} values once its aliases are expanded"
)
YAML_CYCLE = _refusal("KB-C014", "{file}:{line}: {key}: an alias contains itself")
YAML_SEVERAL = _refusal("KB-C015", "{file}:{line}: a second document begins; keep one per file")
YAML_KEY = _refusal("KB-C016", "{file}:{line}: a key has to be text; put it in quotes")
YAML_TAG = _refusal(
    "KB-C017", "{file}:{line}: {key}: a YAML tag kbsync does not read; leave it out"
)
YAML_MERGE = _refusal("KB-C018", "{file}:{line}: `<<` takes a mapping or a list of mappings")
YAML_ALIAS = _refusal(
    "KB-C027",
    "{file}:{line}: text that starts with * has to be in quotes (else it is a YAML alias)",
)
KEY_TWICE = _refusal("KB-C019", "{file}:{line}: {key}: written twice, first in line {first}")

# Keys and values.

KEY_UNKNOWN_NEAR = _refusal(
    "KB-C020", '{file}:{line}: {key}: unknown key; did you mean "{nearest}"?'
)
KEY_UNKNOWN = _refusal("KB-C021", "{file}:{line}: {key}: unknown key; known here: {known}")
KEY_MISSING = _refusal("KB-C022", "{file}:{line}: {key}: missing")
VALUE_WRONG = _refusal("KB-C023", "{file}:{line}: {key}: {wanted}")
VALUE_WRONG_FOUND = _refusal("KB-C024", "{file}:{line}: {key}: {wanted}; found {found}")
VALUE_WRONG_NEAR = _refusal(
    "KB-C210", "{file}:{line}: {key}: {wanted}; found {found}; did you mean {nearest}?"
)
FRONT_MATTER_CONVERT = _refusal(
    "KB-C260",
    "{file}:{line}: {key}: front matter is read from text that is converted, and `convert: none` "
    "sends bytes as they are; leave one of them out",
)
VERSION_OTHER = _refusal(
    "KB-C026", "{file}:{line}: version: this kbsync reads version 1 of the configuration"
)

# Variables and API keys.

VARIABLE_UNSET = _refusal(
    "KB-C030",
    "{file}:{line}: {key}: the environment variable {variable} is not set",
    "type its value, which is not shown, behind: "
    + shell("read -rs {variable} && export {variable}")
    + " && "
    + verb("validate"),
)
VARIABLE_MALFORMED = _refusal(
    "KB-C031",
    "{file}:{line}: {key}: `${{` starts a variable: write ${{NAME}} or ${{NAME:-default}}, "
    "and $$ for a dollar sign",
)
API_KEY_NONE = _refusal(
    "KB-C040",
    "{file}:{line}: {key}: a server needs an API key; write api_key, api_key_file or api_key_env",
)
API_KEY_SEVERAL = _refusal(
    "KB-C041", "{file}:{line}: {key}: the API key is given more than once: {given}; keep one"
)
API_KEY_EMPTY = _refusal("KB-C042", "{file}:{line}: {key}: the API key from {origin} is empty")
API_KEY_CHARACTERS = _refusal(
    "KB-C043",
    "{file}:{line}: {key}: the API key from {origin} has spaces or characters that no key has",
)
API_KEY_BEARER = _refusal(
    "KB-C211",
    '{file}:{line}: {key}: the API key from {origin} begins with "Bearer", which kbsync writes in '
    "front of it by itself; leave that word out",
)
API_KEY_FILE = _refusal("KB-C044", "{file}:{line}: {key}: cannot read {path}: {why}", _RIGHTS)

# Keys that have to agree.

SERVER_AND_SERVERS = _refusal(
    "KB-C050", "{file}:{line}: {key}: write either `server` or `servers`, not both"
)
SERVER_NONE = _refusal(
    "KB-C051",
    "{file}:{line}: {key}: missing; write `server: {{url: embedded}}` or a server's URL",
)
SERVER_UNNAMED = _refusal(
    "KB-C052", "{file}:{line}: {key}: missing; say which of the servers: {known}"
)
SERVER_UNKNOWN = _refusal(
    "KB-C053", "{file}:{line}: {key}: there is no such server; known: {known}"
)
MIRROR_TWICE = _refusal(
    "KB-C054", "{file}:{line}: {key}: the mirror in line {first} has this name already"
)
PREFIX_CLASH = _refusal(
    "KB-C055",
    "{file}:{line}: {key}: mirrors {mirror} and {other} fill one knowledge base; give each a "
    "prefix of its own, neither inside the other",
)
SOURCE_OVERLAP = _refusal(
    "KB-C056",
    "{file}:{line}: {key}: the sources of mirrors {mirror} and {other} overlap on one knowledge "
    "base: its files would be uploaded twice",
)
BASE_DISAGREES = _refusal(
    "KB-C057",
    "{file}:{line}: {key}: mirrors {mirror} and {other} fill one knowledge base, which has one "
    "{what}; declare the same for both",
)
MODE_MISMATCH = _refusal("KB-C058", "{file}:{line}: {key}: has no effect with mode: {mode}")
FORM_MISMATCH = _refusal(
    "KB-C059", "{file}:{line}: {key}: form {form} does not go with mode: {mode}"
)
OVERLAP_TOO_LARGE = _refusal("KB-C060", "{file}:{line}: {key}: has to be less than max_tokens")
HIERARCHY_NEEDS_QUALITY = _refusal(
    "KB-C061",
    "{file}:{line}: {key}: hierarchical chunks are searchable only with "
    "indexing_technique: high_quality",
)
EMBEDDING_HALF = _refusal(
    "KB-C062", "{file}:{line}: {key}: embedding_model and embedding_provider go together"
)
EMBEDDING_ECONOMY = _refusal(
    "KB-C063", "{file}:{line}: {key}: has no effect with indexing_technique: economy"
)
SEARCH_ECONOMY = _refusal(
    "KB-C064",
    "{file}:{line}: {key}: with indexing_technique: economy only keyword_search finds anything",
)
WINDOW_TOO_SHORT = _refusal(
    "KB-C065",
    "{file}:{line}: {key}: has to be longer than the server's timeout ({timeout} s)",
)
BASE_ID_AND_NAME = _refusal(
    "KB-C066", "{file}:{line}: {key}: write either `id` or `name`, and one of them"
)
MEMBERS_MISSING = _refusal(
    "KB-C220",
    "{file}:{line}: {key}: partial_members is for the members it names; write their ids into "
    "partial_members",
)
MEMBERS_IDLE = _refusal(
    "KB-C221", "{file}:{line}: {key}: has no effect without permission: partial_members"
)
BASE_SETTING_DISAGREES = _refusal(
    "KB-C222",
    "{file}:{line}: {key}: mirrors {mirror} and {other} fill one knowledge base and declare "
    "another {what}; declare it once, or the same for both",
)

PATTERN_FROM_TOP = _refusal(
    "KB-C491",
    "{file}:{line}: {key}: {pattern} matches nothing, as patterns begin at the source; write "
    "`{named}`",
)
NAME_IS_ID = _refusal(
    "KB-C161",
    "{file}:{line}: {key}: {name} looks like an id; write `knowledge_base: {{id: {name}}}`",
)
NAME_IS_KEY = _refusal(
    "KB-C162",
    "{file}:{line}: {key}: looks like an API key; it belongs to `server`, under `api_key`",
)
API_KEY_OF_APP = _refusal(
    "KB-C163",
    "{file}:{line}: {key}: the API key from {origin} is an app's (app-…), which the knowledge API "
    "refuses; take one that begins with dataset-, from the page of the knowledge bases",
)
CHUNK_TOO_LONG = _refusal(
    "KB-C164",
    "{file}:{line}: {key}: {found} is more than {limit}, the longest chunk the server makes; where "
    "its operator allows more, write `max_chunk_length: {found}` under `server`",
)

# What only the disk shows.

SOURCE_MISSING = _refusal(
    "KB-C070",
    "{file}:{line}: {key}: there is no folder {path}",
    "mount it or correct the file, or if it is new: " + shell("mkdir -p -- {path}"),
)
SOURCE_NO_FOLDER = _refusal(
    "KB-C071",
    "{file}:{line}: {key}: {path} is not a folder",
    "name the folder it is in: " + shell("ls -ld -- {path}"),
)
SOURCE_UNREADABLE = _refusal(
    "KB-C072", "{file}:{line}: {key}: {path} cannot be listed: access is denied", _RIGHTS
)
CA_FILE_UNREADABLE = _refusal("KB-C073", "{file}:{line}: {key}: cannot read {path}: {why}", _RIGHTS)
STATE_IS_FOLDER = _refusal("KB-C074", "{file}:{line}: {key}: {path} is a folder; name a file")
STATE_IN_SOURCE = _warning(
    "KB-C080",
    "{file}:{line}: {key}: {path} is inside the source of mirror {mirror}; it is not uploaded, but "
    "better kept elsewhere",
)
OUTPUT_IN_SOURCE = _warning(
    "KB-C160",
    "{file}:{line}: {key}: output goes to {path}, inside the source: it is not uploaded while this "
    "process writes to it; write it elsewhere",
)
SECRET_OPEN = _warning(
    "KB-C081",
    "{file}:{line}: {key}: every user of this machine can read {path}",
    shell("chmod 600 -- {path}"),
)
URL_WITHOUT_V1 = _warning(
    "KB-C082", "{file}:{line}: {key}: does not end in /v1, where Dify's knowledge API is"
)
URL_PLAIN = _warning("KB-C083", "{file}:{line}: {key}: http sends the API key unencrypted")
VERIFY_OFF = _warning(
    "KB-C084",
    "{file}:{line}: {key}: anyone between here and the server can read the API key; use ca_file",
)
EMBEDDED_IGNORES = _warning("KB-C085", "{file}:{line}: {key}: has no effect with url: embedded")
EMBEDDED_ONLY = _warning("KB-C086", "{file}:{line}: {key}: takes effect with url: embedded only")
ROWS_NEED_TEXT = _refusal(
    "KB-C230",
    "{file}:{line}: {key}: a row becomes a chunk only in a base of form text; here it is {form}",
)
NOT_CONVERTED_HERE = _warning(
    "KB-C231",
    "{file}:{line}: {key}: files are converted by packages that are not installed ({missing}), "
    "and held",
    "install them with: " + shell("{installer} {packages}"),
)

# What the daemon answers and sends.

WEB_TOKEN_NONE = _refusal(
    "KB-C320",
    "{file}:{line}: {key}: missing, and other machines reach {listen}; name a file that holds a "
    "token, or listen on 127.0.0.1",
    "make one with: " + shell("openssl rand -hex 32"),
)
WEB_READS_OPEN = _refusal(
    "KB-C370",
    "{file}:{line}: {key}: changes alone cannot need the token where other machines reach "
    "{listen}; ask for it for everything, or listen on 127.0.0.1",
    "correct it, then: " + verb("validate"),
)
WEB_TOKEN_UNUSABLE = _refusal(
    "KB-C321", "{file}:{line}: {key}: the token in {path} cannot be used: {why}", _RIGHTS
)
WEB_EXTRA = _refusal(
    "KB-C322",
    "{file}:{line}: {key}: the daemon answers HTTP by packages that are not installed ({missing})",
    "install them with: " + shell("{installer} {packages}"),
)
NOTIFY_WAY = _refusal(
    "KB-C323",
    "{file}:{line}: {key}: a target has exactly one of url, url_file and command; here: {given}",
)
NOTIFY_IDLE = _refusal(
    "KB-C324", "{file}:{line}: {key}: has no effect for a command; it is for url and url_file"
)
NOTIFY_URL_UNUSABLE = _warning(
    "KB-C325", "{file}:{line}: {key}: the address in {path} cannot be used: {why}", _RIGHTS
)
NOTIFY_NO_PROGRAM = _warning(
    "KB-C326",
    "{file}:{line}: {key}: {program} is no program that can be run here",
    "name it with its folder; see its rights with: " + shell("ls -l -- {program}"),
)
