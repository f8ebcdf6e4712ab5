-- A ledger of format 0002, as `sqlite3 ledger.db .dump` writes it. test_ledger_upgrade.py says what is in it.
PRAGMA application_id = 1801614201;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE bindings (
	mirror TEXT NOT NULL, 
	server TEXT NOT NULL, 
	base_id TEXT NOT NULL, 
	base_name TEXT NOT NULL, 
	source TEXT NOT NULL, 
	device BIGINT, 
	CONSTRAINT pk_bindings PRIMARY KEY (mirror)
)
 WITHOUT ROWID

;
INSERT INTO "bindings" VALUES('docs','https://dify.example/v1','B','Docs','/srv/docs',-9223372036854775803);
INSERT INTO "bindings" VALUES('wiki','https://dify.example/v1','B2','Wiki','/srv/wiki',NULL);
CREATE TABLE entries (
	mirror TEXT NOT NULL, 
	path TEXT NOT NULL, 
	base_id TEXT NOT NULL, 
	document_id TEXT NOT NULL, 
	document_name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	size BIGINT, 
	mtime_ns BIGINT, 
	inode BIGINT, 
	content TEXT, 
	settings TEXT, 
	metadata_hash TEXT, 
	rev TEXT, 
	word_count BIGINT, 
	batch TEXT, 
	superseded TEXT, 
	reason_code TEXT, 
	reason_text TEXT, 
	failures BIGINT NOT NULL, 
	retry_at DOUBLE, 
	CONSTRAINT pk_entries PRIMARY KEY (mirror, path), 
	CONSTRAINT fk_entries_bindings FOREIGN KEY(mirror) REFERENCES bindings (mirror)
)
 WITHOUT ROWID

;
INSERT INTO "entries" VALUES('docs','a.md','B','doc-docs-a.md','a.md','synced',10,20,30,'c','settings-now','m','rev',7,'20250101000000123456',NULL,NULL,NULL,0,NULL);
INSERT INTO "entries" VALUES('docs','guides/it''s; DROP TABLE entries; --.md','B','doc-docs-guides/it''s; DROP TABLE entries; --.md','guides∕it''s; DROP TABLE entries; --.md','synced',4611686018427387904,-5,-1,'c','settings-now','m','rev',NULL,'20250101000000123456',NULL,NULL,NULL,0,3.00000000000000044408e-01);
INSERT INTO "entries" VALUES('docs','moved.md','B','doc-docs-moved.md','moved.md','synced',10,20,30,'c','settings-now','m','rev',7,'20250101000000123456','doc-old',NULL,NULL,0,NULL);
INSERT INTO "entries" VALUES('docs','ü/😀.md','B','doc-docs-ü/😀.md','ü∕😀.md','failed',10,20,30,'c','settings-now','m','rev',7,'20250101000000123456',NULL,'KB-R010','the server said
no',3,1740000600.5);
INSERT INTO "entries" VALUES('wiki','index.md','B2','doc-wiki-index.md','index.md','indexing',10,20,30,'c','settings-now',NULL,'rev',7,'20250101000000123456',NULL,NULL,NULL,0,NULL);
CREATE TABLE intents (
	mirror TEXT NOT NULL, 
	path TEXT NOT NULL, 
	op TEXT NOT NULL, 
	name TEXT NOT NULL, 
	document_id TEXT, 
	content TEXT, 
	settings TEXT, 
	size BIGINT, 
	mtime_ns BIGINT, 
	inode BIGINT, 
	ids_seen TEXT NOT NULL, 
	rev_before TEXT, 
	started_at DOUBLE NOT NULL, 
	attempt BIGINT NOT NULL, 
	CONSTRAINT pk_intents PRIMARY KEY (mirror, path)
)
 WITHOUT ROWID

;
INSERT INTO "intents" VALUES('docs','a.md','update','a.md','doc-docs-a.md','new','settings-now',11,21,-1,'["x", "y"]','rev',1740000000.25,2);
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DOUBLE NOT NULL, 
	mirror TEXT NOT NULL, 
	path TEXT NOT NULL, 
	action TEXT NOT NULL, 
	document_id TEXT, 
	outcome TEXT NOT NULL, 
	milliseconds BIGINT NOT NULL, 
	detail TEXT NOT NULL
);
INSERT INTO "journal" VALUES(3,1740000002.125,'docs','a.md','create','doc-docs-a.md','done',12,'missing');
INSERT INTO "journal" VALUES(4,1740000003.0,'docs','a.md','update','doc-docs-a.md','throttled',12,'drift');
INSERT INTO "journal" VALUES(5,1740000004.0,'wiki','index.md','delete','doc-wiki-index.md','done',12,'removed');
CREATE TABLE listed (
	id INTEGER NOT NULL, 
	base_id TEXT NOT NULL, 
	document_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	rev TEXT NOT NULL, 
	word_count BIGINT, 
	readiness TEXT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	size BIGINT, 
	metadata TEXT NOT NULL, 
	error TEXT, 
	mark_mirror TEXT, 
	mark_path TEXT, 
	mark_rev TEXT, mark_hash TEXT, 
	CONSTRAINT pk_listed PRIMARY KEY (id)
);
INSERT INTO "listed" VALUES(1,'B','doc-docs-a.md','a.md','rev',7,'available',1,100,'{"kbsync_mirror": "docs", "kbsync_path": "a.md", "kbsync_rev": "rev", "topic": "x"}',NULL,'docs','a.md','rev',NULL);
INSERT INTO "listed" VALUES(2,'B','hand','by hand.txt','r2',NULL,'available',0,NULL,'{}',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE listings (
	base_id TEXT NOT NULL, 
	started_at DOUBLE, 
	complete BOOLEAN NOT NULL, 
	documents BIGINT NOT NULL, 
	CONSTRAINT pk_listings PRIMARY KEY (base_id)
)
 WITHOUT ROWID

;
INSERT INTO "listings" VALUES('B',1740000005.5,1,2);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_meta PRIMARY KEY ("key")
)
 WITHOUT ROWID

;
INSERT INTO "meta" VALUES('agreed:docs','1740000010.25');
INSERT INTO "meta" VALUES('agreed:wiki','1740000011.0');
INSERT INTO "meta" VALUES('clock','1740000012.0625');
INSERT INTO "meta" VALUES('halted:abababababababababababababababababababababababababababababababab','{"at": 1740000008.0, "members": ["one", "two"]}');
INSERT INTO "meta" VALUES('halted:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','{"at": 1740000009.0, "members": ["three"]}');
INSERT INTO "meta" VALUES('owner:docs','{"token": "token-now", "predecessors": ["before", "long before"], "whole": false}');
INSERT INTO "meta" VALUES('owner:drafts','{"token": "token-of-a-mirror-without-a-base", "predecessors": [], "whole": true}');
INSERT INTO "meta" VALUES('owner:wiki','{"token": "token-of-wiki", "predecessors": []}');
INSERT INTO "meta" VALUES('paused:100%:_paused','1740000007.0');
INSERT INTO "meta" VALUES('paused:wiki','1740000006.5');
CREATE TABLE rejections (
	mirror TEXT NOT NULL, 
	path TEXT NOT NULL, 
	content TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	reason_code TEXT NOT NULL, 
	reason_text TEXT NOT NULL, 
	at DOUBLE NOT NULL, 
	size BIGINT, 
	mtime_ns BIGINT, 
	inode BIGINT, 
	CONSTRAINT pk_rejections PRIMARY KEY (mirror, path)
)
 WITHOUT ROWID

;
INSERT INTO "rejections" VALUES('docs','large.pdf','refused','settings-now','KB-R001','too large',1740000001.5,12,22,32);
CREATE INDEX ix_journal_at ON journal (at);
CREATE INDEX ix_journal_key ON journal (mirror, path, id);
CREATE INDEX ix_entries_state ON entries (mirror, state, path);
CREATE INDEX ix_entries_superseded ON entries (base_id, superseded) WHERE superseded IS NOT NULL;
CREATE UNIQUE INDEX ux_entries_document ON entries (base_id, document_id);
CREATE INDEX ix_listed_mark ON listed (base_id, mark_mirror, mark_path, mark_rev, rev, document_id) WHERE mark_path IS NOT NULL;
CREATE INDEX ix_listed_name ON listed (base_id, name);
CREATE INDEX ix_listed_document ON listed (base_id, document_id, rev, word_count, readiness, enabled, mark_hash);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',5);
COMMIT;
