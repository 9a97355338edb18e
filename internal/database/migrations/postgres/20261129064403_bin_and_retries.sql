-- Modify "deliveries" table
ALTER TABLE "deliveries" ADD COLUMN "retried_at" timestamptz NULL;
-- Create index "change_kind_at" to table: "voicemail_changes"
CREATE INDEX "change_kind_at" ON "voicemail_changes" ("kind", "at");
-- Create index "change_voicemail_id_place" to table: "voicemail_changes"
CREATE INDEX "change_voicemail_id_place" ON "voicemail_changes" ("voicemail_id", "place");
-- Modify "voicemails" table
ALTER TABLE "voicemails" ADD COLUMN "restored_at" timestamptz NULL, ADD COLUMN "reconciled_at" timestamptz NULL, ADD COLUMN "purged_at" timestamptz NULL;
-- Create index "voicemail_deleted_at" to table: "voicemails"
CREATE INDEX "voicemail_deleted_at" ON "voicemails" ("deleted_at");
-- Create index "voicemail_owner_id_deleted_at" to table: "voicemails"
CREATE INDEX "voicemail_owner_id_deleted_at" ON "voicemails" ("owner_id", "deleted_at");
