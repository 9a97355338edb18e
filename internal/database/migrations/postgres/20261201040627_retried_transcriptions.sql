-- Modify "voicemails" table
ALTER TABLE "voicemails" ADD COLUMN "transcription_retried_at" timestamptz NULL;
