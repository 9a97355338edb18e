-- atlas:delimiter \n\n\n

-- What transcripts contain is found by their groups of three letters. The rows go by the voicemail's place: rowids may change.
CREATE VIEW voicemail_texts AS SELECT place, transcript FROM voicemails WHERE place IS NOT NULL AND transcript IS NOT NULL AND id > '';


CREATE VIRTUAL TABLE voicemail_search USING fts5 (transcript, content = 'voicemail_texts', content_rowid = 'place', tokenize = 'trigram');


CREATE TRIGGER voicemail_search_insert AFTER INSERT ON voicemails WHEN new.place IS NOT NULL AND new.transcript IS NOT NULL BEGIN
	INSERT INTO voicemail_search (rowid, transcript) VALUES (new.place, new.transcript);
END;


CREATE TRIGGER voicemail_search_update AFTER UPDATE OF place, transcript ON voicemails
WHEN old.place IS NOT new.place OR old.transcript IS NOT new.transcript BEGIN
	INSERT INTO voicemail_search (voicemail_search, rowid, transcript)
		SELECT 'delete', old.place, old.transcript WHERE old.place IS NOT NULL AND old.transcript IS NOT NULL;
	INSERT INTO voicemail_search (rowid, transcript)
		SELECT new.place, new.transcript WHERE new.place IS NOT NULL AND new.transcript IS NOT NULL;
END;


CREATE TRIGGER voicemail_search_delete AFTER DELETE ON voicemails WHEN old.place IS NOT NULL AND old.transcript IS NOT NULL BEGIN
	INSERT INTO voicemail_search (voicemail_search, rowid, transcript) VALUES ('delete', old.place, old.transcript);
END;


INSERT INTO voicemail_search (rowid, transcript) SELECT place, transcript FROM voicemail_texts;


-- Numbers have no place, so their labels are kept beside them, under a number that does not change.
CREATE TABLE number_labels (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, label TEXT NOT NULL);


CREATE VIRTUAL TABLE number_search USING fts5 (label, content = 'number_labels', content_rowid = 'row', tokenize = 'trigram');


CREATE TRIGGER number_labels_insert AFTER INSERT ON number_labels BEGIN
	INSERT INTO number_search (rowid, label) VALUES (new.row, new.label);
END;


CREATE TRIGGER number_labels_update AFTER UPDATE ON number_labels BEGIN
	INSERT INTO number_search (number_search, rowid, label) VALUES ('delete', old.row, old.label);
	INSERT INTO number_search (rowid, label) VALUES (new.row, new.label);
END;


CREATE TRIGGER number_labels_delete AFTER DELETE ON number_labels BEGIN
	INSERT INTO number_search (number_search, rowid, label) VALUES ('delete', old.row, old.label);
END;


CREATE TRIGGER number_search_insert AFTER INSERT ON masked_numbers BEGIN
	INSERT INTO number_labels (id, label) VALUES (new.id, new.label);
END;


CREATE TRIGGER number_search_update AFTER UPDATE OF label ON masked_numbers WHEN old.label <> new.label BEGIN
	UPDATE number_labels SET label = new.label WHERE id = new.id;
END;


CREATE TRIGGER number_search_delete AFTER DELETE ON masked_numbers BEGIN
	DELETE FROM number_labels WHERE id = old.id;
END;


INSERT INTO number_labels (id, label) SELECT id, label FROM masked_numbers;
