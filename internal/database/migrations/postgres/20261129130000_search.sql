-- What transcripts and labels contain is found by their groups of three letters. Where the extension is missing, or the database's user may
-- not make it, searching works too, but reads row by row; see docs/performance.md.
DO $$ BEGIN
	CREATE EXTENSION IF NOT EXISTS pg_trgm;
	CREATE INDEX voicemail_transcript_search ON voicemails USING gin (transcript gin_trgm_ops);
	CREATE INDEX maskednumber_label_search ON masked_numbers USING gin (label gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file OR undefined_object THEN
	RAISE WARNING 'transcripts and labels are searched row by row: %', SQLERRM;
END $$;
