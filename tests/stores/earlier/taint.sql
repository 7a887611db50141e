BEGIN TRANSACTION;
CREATE TABLE taints (
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    tier INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (tenant, conversation)
) STRICT, WITHOUT ROWID
;
INSERT INTO "taints" VALUES('acme','c1',3,1795000000.0);
COMMIT;
PRAGMA user_version = 0;
