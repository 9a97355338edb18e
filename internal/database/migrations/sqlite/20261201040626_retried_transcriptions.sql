-- Add column "transcription_retried_at" to table: "voicemails"
ALTER TABLE `voicemails` ADD COLUMN `transcription_retried_at` datetime NULL;
