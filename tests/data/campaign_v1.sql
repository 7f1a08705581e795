BEGIN TRANSACTION;
CREATE TABLE campaign (
	id INTEGER NOT NULL CHECK (id = 1), 
	settings JSON NOT NULL, 
	start_table JSON NOT NULL, 
	prior_digest VARCHAR(200) NOT NULL, 
	versions JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	created DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "campaign" VALUES(1,'{"goals": [{"goal": "Within", "property": "gap", "lower": 2.0, "upper": 2.5}], "oracle": "fake oracle", "candidates": "7cf2fe15e401d0e1", "rule": "fake rule"}','{"kind": "id", "materials": ["m0", "m50", "m100", "m200", "m290"], "properties": [{"name": "gap", "unit": "eV", "scale": "log", "categories": null}], "values": [[10.0], [6.065306597126334], [3.6787944117144233], [1.353352832366127], [0.5502322005640723]], "stds": [[null], [null], [null], [null], [null]], "groups": null}','fake prior 1','{"bayesmat": "0.1.0", "botorch": "0.18.1", "numpy": "2.4.6", "pyro-ppl": "1.9.2", "rdkit": "2026.3.5", "scikit-fingerprints": "2.1.0", "tblite": "0.8.0", "torch": "2.13.0"}',0,'2026-12-01 01:51:13.403615');
CREATE TABLE carried_over (
	number INTEGER NOT NULL, 
	after_round INTEGER NOT NULL, 
	prior_digest VARCHAR(200) NOT NULL, 
	parts JSON NOT NULL, 
	versions JSON NOT NULL, 
	reason TEXT NOT NULL, 
	created DATETIME NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "carried_over" VALUES(1,1,'fake prior 2','{"oracle": "fake oracle", "candidates": "7cf2fe15e401d0e1", "rule": "fake rule"}','{"bayesmat": "0.1.0", "botorch": "0.18.1", "numpy": "2.4.6", "pyro-ppl": "1.9.2", "rdkit": "2026.3.5", "scikit-fingerprints": "2.1.0", "tblite": "0.8.0", "torch": "2.13.0"}','R. Dear: rdkit moved','2026-12-01 01:51:13.556640');
CREATE TABLE proposal_items (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	material TEXT NOT NULL, 
	prediction JSON NOT NULL, 
	PRIMARY KEY (round, position), 
	FOREIGN KEY(round) REFERENCES proposals (round), 
	UNIQUE (material)
);
INSERT INTO "proposal_items" VALUES(1,0,'m125','{"median": {"gap": 2.865047968601901}, "lower": {"gap": 1.5596071592254723}, "upper": {"gap": 5.2631842665215505}, "latent_sd": {"gap": 0.3507563256735365}, "observation_sd": {"gap": 0.36972963094672306}, "level": 0.9, "domain_distance": 0.17135085758187452, "probability": 0.19071639809973284, "score": -1.578700474996665}');
INSERT INTO "proposal_items" VALUES(1,1,'m177','{"median": {"gap": 1.7033298882540941}, "lower": {"gap": 0.961552278892343}, "upper": {"gap": 3.0173426571895656}, "latent_sd": {"gap": 0.3273725706286341}, "observation_sd": {"gap": 0.3476245100679755}, "level": 0.9, "domain_distance": 0.14867590006594855, "probability": 0.18724098452030452, "score": -1.583758386407128}');
INSERT INTO "proposal_items" VALUES(1,2,'m175','{"median": {"gap": 1.7377394345044508}, "lower": {"gap": 0.9459495591775717}, "upper": {"gap": 3.192282625362469}, "latent_sd": {"gap": 0.3507563256735365}, "observation_sd": {"gap": 0.36972963094672306}, "level": 0.9, "domain_distance": 0.17135085758187452, "probability": 0.189277842214479, "score": -1.5885884848608633}');
INSERT INTO "proposal_items" VALUES(1,3,'m127','{"median": {"gap": 2.8083162177837977}, "lower": {"gap": 1.4737794648582079}, "upper": {"gap": 5.3513026657799605}, "latent_sd": {"gap": 0.37414008071843896}, "observation_sd": {"gap": 0.39198316290371454}, "level": 0.9, "domain_distance": 0.19478333788257818, "probability": 0.19009591200874795, "score": -1.592940974072822}');
INSERT INTO "proposal_items" VALUES(2,0,'m163','{"median": {"gap": 1.9592957412690937}, "lower": {"gap": 1.429658254092837}, "upper": {"gap": 2.6851450623009696}, "latent_sd": {"gap": 0.16514434523139068}, "observation_sd": {"gap": 0.19159738913620278}, "level": 0.9, "domain_distance": 0.04538578679357097, "probability": 0.35557551217661154, "score": -0.9540602751192506}');
INSERT INTO "proposal_items" VALUES(2,1,'m162','{"median": {"gap": 1.978986990836147}, "lower": {"gap": 1.4241328010926773}, "upper": {"gap": 2.75001706785619}, "latent_sd": {"gap": 0.17485871848029605}, "observation_sd": {"gap": 0.20003118804445516}, "level": 0.9, "domain_distance": 0.052813154805851026, "probability": 0.35761113952929674, "score": -0.9646928840774114}');
CREATE TABLE proposals (
	round INTEGER NOT NULL, 
	trace JSON NOT NULL, 
	created DATETIME NOT NULL, 
	PRIMARY KEY (round)
);
INSERT INTO "proposals" VALUES(1,'{"rule": "fake rule", "candidates": "7cf2fe15e401d0e1", "n_candidates": 295, "n_pending": 0, "report": "Fitted 5 measured values by fake: 1 draws in 0 s.\ngap: measurement noise (or what no feature sees) 0.117 [0.117, 0.117] relative.\nLeave-one-out: +0.00 nats per value (a constant Gaussian has about -1.42); 50 % intervals hold 100%, 90 % intervals 100% of the values.", "seconds": {"fit": 0.0086630170007993, "candidates": 0.000594904999161372, "select": 0.003805857999395812}, "temporary": {}, "stages": [], "versions": {"bayesmat": "0.1.0", "botorch": "0.18.1", "numpy": "2.4.6", "pyro-ppl": "1.9.2", "rdkit": "2026.3.5", "scikit-fingerprints": "2.1.0", "tblite": "0.8.0", "torch": "2.13.0"}, "notes": {"selection": {"round": 1, "target": [1.0, null, "inf"]}, "source": {"source": "pool of 300"}}}','2026-12-01 01:51:13.481322');
INSERT INTO "proposals" VALUES(2,'{"rule": "fake rule", "candidates": "7cf2fe15e401d0e1", "n_candidates": 291, "n_pending": 1, "report": "Fitted 7 measured values by fake: 1 draws in 0 s.\ngap: measurement noise 0.0971 [0.0971, 0.0971] relative over all: 1 of 7 values state theirs, 0.0349 relative, and for the others (with what no feature sees) it is 0.0971 [0.0971, 0.0971] relative.\nLeave-one-out: +0.00 nats per value (a constant Gaussian has about -1.42); 50 % intervals hold 100%, 90 % intervals 100% of the values.", "seconds": {"fit": 0.007527508001658134, "candidates": 0.00036992300010751933, "select": 0.0034356639989709947}, "temporary": {}, "stages": [], "versions": {"bayesmat": "0.1.0", "botorch": "0.18.1", "numpy": "2.4.6", "pyro-ppl": "1.9.2", "rdkit": "2026.3.5", "scikit-fingerprints": "2.1.0", "tblite": "0.8.0", "torch": "2.13.0"}, "notes": {"selection": {"round": 2, "target": [1.0, null, "inf"]}, "source": {"source": "pool of 300"}}}','2026-12-01 01:51:13.625766');
CREATE TABLE results (
	id INTEGER NOT NULL, 
	material TEXT NOT NULL, 
	property TEXT NOT NULL, 
	value FLOAT, 
	sd FLOAT, 
	cost_s FLOAT, 
	failure TEXT, 
	created DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (material, property), 
	CHECK ((value IS NULL) <> (failure IS NULL)), 
	FOREIGN KEY(material) REFERENCES proposal_items (material)
);
INSERT INTO "results" VALUES(1,'m125','gap',2.86504796860190102947e+00,0.1,3.0,NULL,'2026-12-01 01:51:13.497680');
INSERT INTO "results" VALUES(2,'m177','',NULL,NULL,1.5,'spilt','2026-12-01 01:51:13.508060');
INSERT INTO "results" VALUES(3,'m175','gap',1.73773943450445167435e+00,NULL,NULL,NULL,'2026-12-01 01:51:13.517693');
INSERT INTO "results" VALUES(4,'m163','gap',1.95929574126909367137e+00,NULL,2.0,NULL,'2026-12-01 01:51:13.632644');
INSERT INTO "results" VALUES(5,'m163','dipole',1.0,NULL,2.0,NULL,'2026-12-01 01:51:13.632655');
INSERT INTO "results" VALUES(6,'m163','',NULL,NULL,NULL,'left out: ''charge'': -1 is not positive','2026-12-01 01:51:13.632665');
CREATE TRIGGER campaign_no_update BEFORE UPDATE ON campaign BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER campaign_no_delete BEFORE DELETE ON campaign BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER carried_over_no_update BEFORE UPDATE ON carried_over BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER carried_over_no_delete BEFORE DELETE ON carried_over BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER proposals_no_update BEFORE UPDATE ON proposals BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER proposals_no_delete BEFORE DELETE ON proposals BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER proposal_items_no_update BEFORE UPDATE ON proposal_items BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER proposal_items_no_delete BEFORE DELETE ON proposal_items BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER results_no_update BEFORE UPDATE ON results BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
CREATE TRIGGER results_no_delete BEFORE DELETE ON results BEGIN SELECT RAISE(ABORT, 'the record of a campaign is append-only'); END;
COMMIT;
