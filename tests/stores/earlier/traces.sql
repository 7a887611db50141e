BEGIN TRANSACTION;
CREATE TABLE bodies (
            seq INTEGER PRIMARY KEY REFERENCES traces (seq) ON DELETE CASCADE,
            trace TEXT NOT NULL
        ) STRICT
        ;
INSERT INTO "bodies" VALUES(1,'{"id":"plain","at":1795000000.0,"tenant":"default","dialect":"openai.chat","model":"auto","outcome":"ok","status":200,"stream":false,"seconds":0.1,"clearance":{"tier":0,"reach":0,"labels":[],"reasons":[],"policy":"builtin-1","findings":[]},"decision":{"plan":["small","big"],"task":"intent","score":0.8,"threshold":0.5,"propensity":1.0,"router":"test","reasons":[],"verify":true,"explored":false,"shadow":null},"target":"small","local":true,"attempts":[{"target":"small","local":true,"outcome":"ok","seconds":0.1,"first_byte":null,"status":null,"error":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"signals":null,"checks":[]}],"first_byte":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"bill":{"cost":"0.00001","cost_local":"0.00001","cost_remote":"0","counterfactual":"0.00048","baseline":"big","joules":{"value":10,"low":5,"high":15,"basis":"modelled"},"counterfactual_joules":{"value":200,"low":150,"high":250,"basis":"modelled"},"gco2":{"value":0.001,"low":0.0005,"high":0.0015,"basis":"modelled"},"unpriced":[],"prices":"2026-11-23 (test)"},"key":null,"conversation":"c1","template":"","digest":"d1","request":{"messages":[{"role":"user","content":"Where is my card?"}]},"response":{"choices":[{"index":0,"parts":[{"type":"text","text":"card_arrival","extra":{}}],"finish":"stop","stop_sequence":null,"logprobs":[]}]},"error":null,"version":1}');
INSERT INTO "bodies" VALUES(2,'{"id":"remote","at":1795000001.0,"tenant":"default","dialect":"openai.chat","model":"auto","outcome":"ok","status":200,"stream":false,"seconds":1.1,"clearance":{"tier":0,"reach":0,"labels":[],"reasons":[],"policy":"builtin-1","findings":[]},"decision":{"plan":["small","big"],"task":"intent","score":0.8,"threshold":0.5,"propensity":1.0,"router":"test","reasons":[],"verify":true,"explored":false,"shadow":null},"target":"big","local":false,"attempts":[{"target":"small","local":true,"outcome":"rejected","seconds":0.2,"first_byte":null,"status":null,"error":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"signals":null,"checks":[]},{"target":"big","local":false,"outcome":"ok","seconds":0.9,"first_byte":null,"status":null,"error":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"signals":null,"checks":[]}],"first_byte":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"bill":{"cost":"0.0005","cost_local":"0.00002","cost_remote":"0.00048","counterfactual":"0.00048","baseline":"big","joules":{"value":220,"low":160,"high":280,"basis":"modelled"},"counterfactual_joules":{"value":200,"low":150,"high":250,"basis":"modelled"},"gco2":{"value":0.02,"low":0.01,"high":0.03,"basis":"modelled"},"unpriced":[],"prices":""},"key":null,"conversation":null,"template":"","digest":"d1","request":{"messages":[{"role":"user","content":"Where is my card?"}]},"response":{"choices":[{"index":0,"parts":[{"type":"text","text":"card_arrival","extra":{}}],"finish":"stop","stop_sequence":null,"logprobs":[]}]},"error":null,"version":1}');
INSERT INTO "bodies" VALUES(3,'{"id":"pinned","at":1795000002.0,"tenant":"default","dialect":"openai.chat","model":"auto","outcome":"ok","status":200,"stream":false,"seconds":0.1,"clearance":{"tier":3,"reach":2,"labels":[],"reasons":[],"policy":"builtin-1","findings":[]},"decision":{"plan":["small","big"],"task":"intent","score":0.8,"threshold":0.5,"propensity":1.0,"router":"test","reasons":[],"verify":true,"explored":false,"shadow":null},"target":"small","local":true,"attempts":[{"target":"small","local":true,"outcome":"ok","seconds":0.1,"first_byte":null,"status":null,"error":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"signals":null,"checks":[]}],"first_byte":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"bill":{"cost":"0.00001","cost_local":"0.00001","cost_remote":"0","counterfactual":"0.00048","baseline":"big","joules":{"value":10,"low":5,"high":15,"basis":"modelled"},"counterfactual_joules":{"value":200,"low":150,"high":250,"basis":"modelled"},"gco2":{"value":0.001,"low":0.0005,"high":0.0015,"basis":"modelled"},"unpriced":[],"prices":"2026-11-23 (test)"},"key":null,"conversation":null,"template":"","digest":"d1","request":null,"response":null,"error":null,"version":1}');
INSERT INTO "bodies" VALUES(4,'{"id":"sealed","at":1795000003.0,"tenant":"default","dialect":"openai.chat","model":"auto","outcome":"ok","status":200,"stream":false,"seconds":0.1,"clearance":{"tier":0,"reach":0,"labels":[],"reasons":[],"policy":"builtin-1","findings":[]},"decision":{"plan":["small","big"],"task":"intent","score":0.8,"threshold":0.5,"propensity":1.0,"router":"test","reasons":[],"verify":true,"explored":false,"shadow":null},"target":"small","local":true,"attempts":[{"target":"small","local":true,"outcome":"ok","seconds":0.1,"first_byte":null,"status":null,"error":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"signals":null,"checks":[]}],"first_byte":null,"usage":{"input":60,"cache_read":0,"cache_write":0,"cache_write_1h":0,"input_audio":0,"output":12,"reasoning":0,"output_audio":0,"estimated":false},"bill":{"cost":"0.00001","cost_local":"0.00001","cost_remote":"0","counterfactual":"0.00048","baseline":"big","joules":{"value":10,"low":5,"high":15,"basis":"modelled"},"counterfactual_joules":{"value":200,"low":150,"high":250,"basis":"modelled"},"gco2":{"value":0.001,"low":0.0005,"high":0.0015,"basis":"modelled"},"unpriced":[],"prices":"2026-11-23 (test)"},"key":null,"conversation":null,"template":"","digest":"d1","request":{"shortstop-sealed":"iLVieOCNRa4C4U7+ZVEKnLLM30sl0HW6QgHrr7wXvYnNFlqDOMcqsyyqjeEzpxAY2WotHiwVgtGR5FqyoMIqUZGkZHWWgBqLZdWCmzWV/OylgkKjSCD8Yw=="},"response":{"shortstop-sealed":"9DKd9wZk+HPzqTtqSG+fZra5kAWpRKxpNVYlI7T0mg1wiFyBVubSRjP5RWY289bEaSf/6tGawkChclPQALVDlM6XKpvcQnfM3mY7/MW2WA0v9oxXvElMD6wvzwgTXc9rzvw1cRrAMFsNScB5Jloz6uNQJrFVgBXvsKs38PqFxvittt86GHNtxAf7oMdAMdQUcsI6gltE2+HNGCwV4zDRSLh+GQ=="},"error":null,"version":1}');
CREATE TABLE traces (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            at REAL NOT NULL,
            tenant TEXT NOT NULL,
            key TEXT,
            conversation TEXT,
            dialect TEXT NOT NULL,
            model TEXT NOT NULL,
            template TEXT NOT NULL,
            digest TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            stream INTEGER NOT NULL,
            task TEXT,
            target TEXT,
            local INTEGER NOT NULL,
            tier INTEGER NOT NULL,
            reach INTEGER NOT NULL,
            attempts INTEGER NOT NULL,
            escalated INTEGER NOT NULL,
            explored INTEGER NOT NULL,
            seconds REAL NOT NULL,
            first_byte REAL,
            prompt_tokens INTEGER,
            completion_tokens INTEGER,
            tokens_estimated INTEGER NOT NULL,
            cost_pico INTEGER,
            cost_local_pico INTEGER,
            cost_remote_pico INTEGER,
            counterfactual_pico INTEGER,
            baseline TEXT,
            unpriced INTEGER NOT NULL,
            prices TEXT,
            joules REAL,
            joules_low REAL,
            joules_high REAL,
            joules_basis TEXT,
            counterfactual_joules REAL,
            counterfactual_joules_low REAL,
            counterfactual_joules_high REAL,
            gco2 REAL,
            gco2_low REAL,
            gco2_high REAL
        ) STRICT
        ;
INSERT INTO "traces" VALUES(1,'plain',1795000000.0,'default',NULL,'c1','openai.chat','auto','','d1','ok',200,0,'intent','small',1,0,0,1,0,0,0.1,NULL,60,12,0,10000000,10000000,0,480000000,'big',0,'2026-11-23 (test)',10.0,5.0,15.0,'modelled',200.0,150.0,250.0,0.001,0.0005,0.0015);
INSERT INTO "traces" VALUES(2,'remote',1795000001.0,'default',NULL,NULL,'openai.chat','auto','','d1','ok',200,0,'intent','big',0,0,0,2,1,0,1.1,NULL,60,12,0,500000000,20000000,480000000,480000000,'big',0,'',220.0,160.0,280.0,'modelled',200.0,150.0,250.0,0.02,0.01,0.03);
INSERT INTO "traces" VALUES(3,'pinned',1795000002.0,'default',NULL,NULL,'openai.chat','auto','','d1','ok',200,0,'intent','small',1,3,2,1,0,0,0.1,NULL,60,12,0,10000000,10000000,0,480000000,'big',0,'2026-11-23 (test)',10.0,5.0,15.0,'modelled',200.0,150.0,250.0,0.001,0.0005,0.0015);
INSERT INTO "traces" VALUES(4,'sealed',1795000003.0,'default',NULL,NULL,'openai.chat','auto','','d1','ok',200,0,'intent','small',1,0,0,1,0,0,0.1,NULL,60,12,0,10000000,10000000,0,480000000,'big',0,'2026-11-23 (test)',10.0,5.0,15.0,'modelled',200.0,150.0,250.0,0.001,0.0005,0.0015);
CREATE INDEX traces_at ON traces (at, seq);
CREATE INDEX traces_tenant_at ON traces (tenant, at);
COMMIT;
PRAGMA user_version = 1;
