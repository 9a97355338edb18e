-- Create index "delivery_pending" to table: "deliveries"
CREATE INDEX "delivery_pending" ON "deliveries" ("created_at") WHERE ((state)::text = 'PENDING'::text);
-- Create index "voicemail_audio_pending" to table: "voicemails"
CREATE INDEX "voicemail_audio_pending" ON "voicemails" ("learned_at") WHERE ((audio)::text = 'PENDING'::text);
-- Create index "voicemail_transcription_pending" to table: "voicemails"
CREATE INDEX "voicemail_transcription_pending" ON "voicemails" ("learned_at") WHERE ((transcription)::text = 'PENDING'::text);
