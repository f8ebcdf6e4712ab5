"""Messages about the settings of a knowledge base: codes KB-E220 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

BASE_HIDDEN = Message(
    "KB-E220",
    "mirror {mirror}: the knowledge base {base} is made with the server's default permission, "
    "only_me: no colleague sees it in Dify",
    "to show it to the team, set permission: all_team_members in its knowledge_base, then: "
    + verb("plan"),
    Exit.OK,
)
EMBEDS_ALL = Message(
    "KB-E221",
    "mirror {mirror} declares {setting} {after}, and the knowledge base {base} has {before}: "
    "the server would embed everything in it again (documents: {documents}), which is not begun "
    "unasked",
    "declare {before}, or pay that price with: "
    + verb(
        "kb update --technique high_quality --embedding-model {model} "
        "--embedding-provider {provider} -- {id}"
    ),
    Exit.INCOMPLETE,
)
LOSES_ALL = Message(
    "KB-E222",
    "mirror {mirror} declares indexing_technique economy, and the knowledge base {base} has "
    "high_quality: a server that changes that makes no keywords for what is there (documents: "
    "{documents}), so that no search would find it",
    "leave indexing_technique out, or name another knowledge_base, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
EMBEDDING_UNNAMED = Message(
    "KB-E223",
    "mirror {mirror} declares indexing_technique high_quality, and the knowledge base {base} has "
    "{before}: it can be changed only to an embedding model that is named",
    "set embedding_model and embedding_provider to what this lists: " + verb("kb models"),
    Exit.INCOMPLETE,
)
SETTING_TOO_OLD = Message(
    "KB-E224",
    "mirror {mirror} declares the {setting} of the knowledge base {base}, and this server (version "
    "{version}) cannot change it; Dify {since} and newer can",
    "set it in Dify and leave it out, or update the server, then: " + verb("doctor"),
    Exit.INCOMPLETE,
)
FIELD_TYPE = Message(
    "KB-E225",
    "mirror {mirror} declares the metadata field {field} as {wants}, and in the knowledge base "
    "{base} it is {has}: no server changes that",
    "declare {has}, or delete the field with its values on all documents: "
    + verb("kb delete-field -- {id} {field}"),
    Exit.INCOMPLETE,
)
SETTING_DRIFT = Message(
    "KB-E226",
    "the {setting} of the knowledge base {base} was changed at the server; on_drift is `report`",
    "set on_drift: repair for mirror {mirror}, or declare what is there, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
SETTING_FOUGHT = Message(
    "KB-E227",
    "the {setting} of the knowledge base {base} was put back {repairs} times in 24 hours and "
    "changed again: another writer changes it",
    verb("history --mirror {mirror}"),
    Exit.INCOMPLETE,
)
SETTING_REFUSED = Message(
    "KB-E228",
    "the {setting} of the knowledge base {base} could not be set: {reason}",
    "{hint}, then: " + verb("apply -- {mirror}"),
    Exit.INCOMPLETE,
)
SETTING_NOT_KEPT = Message(
    "KB-E229",
    "the {setting} of the knowledge base {base} was set to {after}, and the server shows {before}",
    "see what it has with: " + verb("kb get -- {id}"),
    Exit.INCOMPLETE,
)
