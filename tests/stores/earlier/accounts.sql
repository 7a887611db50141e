BEGIN TRANSACTION;
CREATE TABLE answers (
    caller TEXT NOT NULL,
    token TEXT NOT NULL,
    asked BLOB NOT NULL,
    owner INTEGER NOT NULL,
    at REAL NOT NULL,
    status INTEGER,
    headers BLOB,
    body BLOB,
    PRIMARY KEY (caller, token)
) STRICT;
INSERT INTO "answers" VALUES('key_golden','b7ec0488fd6ac0b8ff79180aa04b7f75',X'29EEF2CEAD1D81317F2164D42DC0D45D',15378,1795000000.0,200,X'9192C40161C40162',X'626F6479');
CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    amount INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    record TEXT NOT NULL
) STRICT;
INSERT INTO "keys" VALUES('key_golden',X'3BFFEFE33472358D6D1331EDD9BCAE28372A1FD0C0AFCD5CB43B497FEED7ED15','{"name":"mail","tenant":"acme","rpm":5,"tpm":1000,"budget_usd":"1","period":"total","id":"key_golden","created":1795000000.0,"tail":"lden"}');
CREATE TABLE meters (
    key TEXT NOT NULL,
    unit TEXT NOT NULL,
    arrival REAL NOT NULL,
    PRIMARY KEY (key, unit)
) STRICT, WITHOUT ROWID;
INSERT INTO "meters" VALUES('key_golden','requests',1795000012.0);
INSERT INTO "meters" VALUES('key_golden','tokens',1795000006.0);
CREATE TABLE purses (
    key TEXT PRIMARY KEY,
    window TEXT NOT NULL,
    spent INTEGER NOT NULL,
    held INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "purses" VALUES('key_golden','total',125000000000,0);
CREATE INDEX answers_at ON answers (at);
COMMIT;
PRAGMA user_version = 1;
