"""Messages about the knowledge API: codes KB-R001 and up, never re-used."""

from kbsync.messages import Exit, Message, shell, verb

WRONG_KEY = Message(
    "KB-R001",
    "{what}: the server does not accept the key: {words}",
    "check server.api_key (those for knowledge bases begin with dataset-), then: "
    + verb("validate"),
    Exit.REFUSED,
)
API_SWITCHED_OFF = Message(
    "KB-R002",
    "{what}: API access of this knowledge base is switched off",
    "switch it on in the knowledge base's page, then: " + verb("validate"),
    Exit.REFUSED,
)
NOT_ALLOWED = Message(
    "KB-R003",
    "{what}: the key may not do this: {words}",
    "check whose workspace the key belongs to, then: " + verb("validate"),
    Exit.REFUSED,
)
WRONG_URL = Message(
    "KB-R004",
    "{what}: {url} answered {status}, but not as a knowledge API does",
    "{remedy}, then: " + verb("validate"),
    Exit.REFUSED,
)
REDIRECTED = Message(
    "KB-R005",
    "{what}: {url} redirects to {target}; redirects are not followed",
    "{remedy}, then: " + verb("validate"),
    Exit.REFUSED,
)
TYPE_OR_SIZE = Message(
    "KB-R006",
    "{what}: the server refuses the file, by its type or its size (it does not say which)",
    "convert, shorten or exclude the file, then: " + verb("apply"),
)
TYPE_REFUSED = Message(
    "KB-R007",
    "{what}: the server does not accept files of this type",
    "convert or exclude the file, then: " + verb("apply"),
)
TOO_LARGE = Message(
    "KB-R008",
    "{what}: too large for the server or a proxy in front of it",
    "shorten or exclude the file, then: " + verb("apply"),
)
NAME_TAKEN = Message(
    "KB-R009",
    "{what}: the name is taken: {words}",
    "choose another name, or name the existing one by its id, then: " + verb("kb list"),
    Exit.REFUSED,
)
QUOTA = Message(
    "KB-R010",
    "{what}: the server has no room for another document: {words}",
    "make room there or change the plan; it is tried again by the daemon or a later apply, and at "
    "once by: " + verb("apply"),
)
OUT_OF_USE = Message(
    "KB-R120",
    "{what}: the server takes nothing from this account or workspace now: {words}",
    "see whose workspace the key belongs to, then: " + verb("apply"),
)
REFUSED = Message(
    "KB-R011",
    "{what}: the server refuses ({status}{code}): {words}",
    "see what the server is, and whether all is well there, with: " + verb("doctor"),
)
UNKNOWN_CALL = Message(
    "KB-R012",
    "{what}: this server does not know the call",
    "see what the server can do with: " + verb("doctor"),
)
PLUGINS_AWAY = Message(
    "KB-R013",
    "{what}: the server cannot reach its plugin daemon",
    "it is tried again by the daemon or a later apply; the server's log says more; see: "
    + verb("status"),
)
NOT_AVAILABLE = Message(
    "KB-R014",
    "{what}: the document cannot be updated in its present state",
    "it is tried again by the daemon or a later apply; see: " + verb("status"),
)
SWITCH_LOCKED = Message(
    "KB-R015",
    "{what}: an earlier switch of this document still has its lock (ten minutes at most)",
    "it is tried again by the daemon or a later apply; see: " + verb("status"),
)
NOT_COMPLETED = Message(
    "KB-R016",
    "{what}: the document is not indexed yet",
    "it is tried again by the daemon or a later apply; see: " + verb("status"),
)
METADATA_LOCKED = Message(
    "KB-R017",
    "{what}: another metadata change of this knowledge base is under way",
    "it is tried again by the daemon or a later apply; see: " + verb("status"),
)
NO_MODEL = Message(
    "KB-R018",
    "{what}: a model the knowledge base needs is not there: {words}",
    "name one that the server has in chunking, or configure it there; it has: " + verb("kb models"),
    Exit.REFUSED,
)
SERVER_FAULT = Message(
    "KB-R019",
    "{what}: the server failed ({status}): {words}",
    "it is tried again by the daemon or a later apply; the server's log says more; see: "
    + verb("status"),
)
SLOW = Message(
    "KB-R020",
    "{what}: no complete answer from {url} within {seconds} s",
    "if this happens often, raise server.timeout, then: " + verb("validate"),
)
CUT_OFF = Message(
    "KB-R021",
    "{what}: {url} closed the connection before answering in full",
    "it is tried again by the daemon or a later apply; if it stays: " + verb("validate"),
)
NOT_JSON = Message(
    "KB-R022",
    "{what}: {url} answered {status} with {kind} instead of JSON",
    "{remedy}, then: " + verb("validate"),
)
MALFORMED = Message(
    "KB-R023",
    "{what}: the answer is not what the API promises: {words}",
    "see whether this server's version is known with: " + verb("validate"),
)
REPLY_TOO_LARGE = Message(
    "KB-R024",
    "{what}: the answer is larger than {mebibytes} MiB and was not read further",
    "check server.url, then: " + verb("validate"),
)
CANNOT_CONNECT = Message(
    "KB-R025",
    "{what}: no connection to {url}: {words}",
    "check that the server runs and server.url is right, then: " + verb("validate"),
)
NO_TRUST = Message(
    "KB-R026",
    "{what}: no secure connection to {url}: {words}",
    "{remedy}, then: " + verb("validate"),
    Exit.REFUSED,
)
UNKNOWN_HOST = Message(
    "KB-R027",
    "{what}: the host of {url} has no address: {words}",
    "check the spelling of server.url and this machine's name service, then: " + verb("validate"),
)
CONNECT_SLOW = Message(
    "KB-R028",
    "{what}: {url} did not accept the connection within {seconds} s",
    "check the network and server.url, then: " + verb("validate"),
)
PROXY = Message(
    "KB-R029",
    "{what}: the proxy {proxy} of {origin} does not let the request through: {words}",
    "have it let the request through, or {remedy}, then: " + verb("validate"),
    Exit.REFUSED,
)
PAYLOAD_CHANGED = Message(
    "KB-R030",
    "{what}: the file changed or could not be read while it was sent; nothing was stored",
    "it is tried again by the daemon or a later apply once the file does not change any more; see: "
    + verb("status"),
)
UNSENDABLE_NAME = Message(
    "KB-R031",
    "{what}: the name {name} cannot be sent exactly as it is",
    "rename it without quotes, backslashes, control characters and broken code points, then: "
    + verb("plan"),
    Exit.USAGE,
)
BAD_ID = Message(
    "KB-R032",
    "{what}: {id} is not an id of the knowledge API",
    "list the ids with: " + verb("kb list"),
    Exit.USAGE,
)
BASE_NAME_LENGTH = Message(
    "KB-R033",
    "a knowledge base's name has 1 to 40 characters; {name} has {length}",
    "shorten knowledge_base, then: " + verb("validate"),
    Exit.USAGE,
)
LISTING_MOVED = Message(
    "KB-R034",
    "{what}: the listing changed while it was read",
    "it is tried again by the daemon or a later apply; see: " + verb("status"),
)
TAGS_BROKEN = Message(
    "KB-R035",
    "{what}: this server cannot list tags once there is one (a fault of its version)",
    "ask for the tags of one knowledge base instead, of: " + verb("kb list"),
)
ARCHIVED = Message(
    "KB-R037",
    "{what}: the document is archived, so the server does not change it",
    "take it out of the archive on the server, then: " + verb("apply"),
)
CUT_SHORT = Message(
    "KB-R038",
    "{what}: {url} closed the connection before the whole file was sent; nothing was stored",
    "it is tried again by the daemon or a later apply; if it stays: " + verb("validate"),
)
SWITCHED_OFF = Message(
    "KB-R039",
    "{what}: the document is disabled",
    "enable it on the server, then: " + verb("apply"),
)
UNKNOWN_FIELD = Message(
    "KB-R040",
    "{what}: the knowledge base has no metadata field {name}",
    "make the field first; kbsync does so by itself with: " + verb("apply"),
)
MODEL_AWAY = Message(
    "KB-R041",
    "{what}: a model this knowledge base needs is not there now: {words}",
    "configure the model on the server; it is tried again by the daemon or a later apply; it has: "
    + verb("kb models"),
)
BAD_ADDRESS = Message(
    "KB-R042",
    "server.url must be an http or https address without a user name, not {url}",
    "correct server.url, then: " + verb("validate"),
    Exit.USAGE,
)
BAD_CA_FILE = Message(
    "KB-R043",
    "server.ca_file {path} cannot be used: {words}",
    "give a file of PEM certificates, then: " + verb("validate"),
    Exit.USAGE,
)
BAD_KEY = Message(
    "KB-R044",
    "server.api_key has characters that no key has (spaces, line ends or letters beyond ASCII)",
    "correct server.api_key or its environment variable, then: " + verb("validate"),
    Exit.USAGE,
)
UNSENDABLE = Message(
    "KB-R045",
    "{what}: what is to be sent has characters or a length that no request can carry",
    "take broken code points out of names, texts and metadata, then: " + verb("validate"),
    Exit.USAGE,
)
KEY_REPLACED = Message(
    "KB-R046",
    "{what}: the server does not accept the key any more; a newer key was found",
    "it is tried again by the daemon or a later apply with the newer key; see: " + verb("status"),
)
OTHER_ROUTE = Message(
    "KB-R047",
    "{what}: the server does not have the newest route for it",
    "it is tried again by the daemon or a later apply with an older one; see: " + verb("status"),
)
TOO_OLD = Message(
    "KB-R048",
    "server {url} is Dify {version}; kbsync needs {oldest} or newer",
    "update the server, then: " + verb("validate"),
    Exit.REFUSED,
)
FILE_ADDRESS = Message(
    "KB-R060",
    "{what}: the server names no address at which its file could be had",
    "see what the server is with: " + verb("doctor"),
)
FILES_ELSEWHERE = Message(
    "KB-R061",
    "{what}: the server's files are said to be at {host}, and {origin} does not give them out "
    "({status}); no other address than the server's own is asked",
    "have {origin} pass /files/ on to Dify's API, then: " + verb("verify"),
    Exit.REFUSED,
)
FILE_REFUSED = Message(
    "KB-R062",
    "{what}: the server does not give the file out at the address it signed itself ({status})",
    "the server's log says more; then: " + verb("verify"),
)
NO_DOWNLOADS = Message(
    "KB-R063",
    "{what}: this server ({version}) does not give original files out; Dify does from {needed} on",
    "update the server; until then, see what plainly changed there with: " + verb("plan"),
    Exit.REFUSED,
)
LOSES = Message(
    "KB-R049",
    "server {url}, version {version}: {loss}",
    "update the server when you can, then: " + verb("validate"),
    Exit.OK,
)
UNTOLD = Message(
    "KB-R050",
    "server {url} does not tell its version, so nothing is presumed of it: updates are sent as "
    "creates of the same name, and a renamed document keeps its name there",
    "let the gateway pass the header X-Version on, then: " + verb("doctor"),
    Exit.OK,
)
NEEDS_VERSION = Message(
    "KB-R051",
    "{what}: this server (version {version}) cannot do it; Dify {since} and newer can",
    "update the server, then: " + verb("doctor"),
)
PIPELINE_DRAFT = Message(
    "KB-R070",
    "its pipeline is not published",
    "publish it on its page in Dify, then: " + verb("validate"),
    Exit.REFUSED,
)
PIPELINE_STARTS = Message(
    "KB-R071",
    "{count} nodes of its pipeline take local files, and kbsync needs exactly one",
    "change the pipeline on its page in Dify and publish it, then: " + verb("validate"),
    Exit.REFUSED,
)
PIPELINE_INPUTS = Message(
    "KB-R072",
    "{what}: the pipeline of the knowledge base wants inputs, and kbsync has none to give: {words}",
    "make its inputs optional on its page in Dify and publish it, then: " + verb("validate"),
    Exit.REFUSED,
)
PIPELINE_MADE = Message(
    "KB-R073",
    "{what}: the pipeline of the knowledge base made {count} documents of one file",
    "see what is there with: " + verb("plan"),
)
PIPELINE_WANTS = Message(
    "KB-R074",
    "its pipeline wants inputs, and kbsync has none to give: {words}",
    "make its inputs optional on its page in Dify and publish it, then: " + verb("validate"),
    Exit.REFUSED,
)
PROXY_AWAY = Message(
    "KB-R175",
    "{what}: no way through the proxy {proxy} of {origin}: {words}",
    "{remedy}, then: " + verb("validate"),
)
PROXY_UNUSABLE = Message(
    "KB-R176",
    "{origin} names {proxy} as proxy, which cannot be used: {why}",
    "{remedy}, then: " + verb("validate"),
    Exit.USAGE,
)
SOCKS_EXTRA = Message(
    "KB-R177",
    "{origin} names the SOCKS proxy {proxy}, and the package for SOCKS is not installed",
    "{remedy}, or install it with: " + shell("{installer} {packages}"),
    Exit.USAGE,
)
NOT_TLS = Message(
    "KB-R178",
    "{what}: {url} does not speak TLS at this port",
    "write {address} as server.url, or the port that speaks TLS, then: " + verb("validate"),
    Exit.REFUSED,
)
SPEAKS_TLS = Message(
    "KB-R179",
    "{what}: {url} speaks TLS at this port, and was asked in plain HTTP",
    "write {address} as server.url, then: " + verb("validate"),
    Exit.REFUSED,
)
OTHER_NAME = Message(
    "KB-R180",
    "{what}: the certificate of {url} is not for {host}, but for {names}",
    "use a name that it is for in server.url, or have one made for {host}, then: "
    + verb("validate"),
    Exit.REFUSED,
)
OUT_OF_DATE = Message(
    "KB-R181",
    "{what}: the certificate of {url} is not valid now: {words}",
    "have it renewed at the server, and see that this machine's clock is right, then: "
    + verb("validate"),
    Exit.REFUSED,
)
GATEWAY = Message(
    "KB-R182",
    "{what}: something in front of {url} answers, which wants a login of its own ({how})",
    "give it what it wants with server.headers, or have it let the API's calls through, then: "
    + verb("validate"),
    Exit.REFUSED,
)
NOT_HTTP = Message(
    "KB-R183",
    "{what}: what answers at {url} does not speak HTTP",
    "check the port of server.url: another service has it, then: " + verb("validate"),
    Exit.REFUSED,
)
TRUST_VARIABLE = Message(
    "KB-R184",
    "{variable} names {path}, where no certificate authorities can be had: {words}",
    "correct or unset {variable}, then: " + verb("validate"),
    Exit.USAGE,
)
ANSWER_PENDING = Message(
    "KB-R210",
    "{what}: the answer of {server} is waited for since {since}, and until {until} at most",
    "it goes on by itself then (server.timeout); to see what is right without the server: "
    + verb("doctor --offline"),
    Exit.INDEXING,
)
