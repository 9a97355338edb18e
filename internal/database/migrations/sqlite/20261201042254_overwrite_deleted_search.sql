-- atlas:delimiter \n\n\n

-- The search leaves nothing of a text that is deleted: without this it only marks it, and keeps its words until it merges them.
INSERT INTO voicemail_search (voicemail_search, rank) VALUES ('secure-delete', 1);


INSERT INTO voicemail_search (voicemail_search) VALUES ('rebuild');


INSERT INTO number_search (number_search, rank) VALUES ('secure-delete', 1);


INSERT INTO number_search (number_search) VALUES ('rebuild');
