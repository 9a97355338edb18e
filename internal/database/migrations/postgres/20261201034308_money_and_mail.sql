-- Modify "masked_numbers" table
ALTER TABLE "masked_numbers" ADD COLUMN "silence_seconds" bigint NOT NULL DEFAULT 10, ADD COLUMN "screen_seconds" bigint NOT NULL DEFAULT 25, ADD COLUMN "max_call_minutes" bigint NOT NULL DEFAULT 120, ADD COLUMN "mail_missed_calls" boolean NOT NULL DEFAULT true;
-- Modify "plans" table
ALTER TABLE "plans" ADD COLUMN "simultaneous_calls" bigint NULL;
-- Modify "tokens" table
ALTER TABLE "tokens" ADD COLUMN "parent_id" character varying NULL COLLATE "C";
-- Create index "token_made_by_parent_id" to table: "tokens"
CREATE INDEX "token_made_by_parent_id" ON "tokens" ("parent_id") WHERE (parent_id IS NOT NULL);
-- Modify "users" table
ALTER TABLE "users" ADD COLUMN "oidc_issuer" character varying NULL, ADD COLUMN "oidc_subject" character varying NULL;
-- Create index "user_oidc_issuer_oidc_subject" to table: "users"
CREATE UNIQUE INDEX "user_oidc_issuer_oidc_subject" ON "users" ("oidc_issuer", "oidc_subject");
-- Drop index "voicemail_binned_owner_id_deleted_at" from table: "voicemails"
DROP INDEX "voicemail_binned_owner_id_deleted_at";
-- Create index "voicemail_binned_owner_id_deleted_at_id" to table: "voicemails"
CREATE INDEX "voicemail_binned_owner_id_deleted_at_id" ON "voicemails" ("owner_id", "deleted_at", "id") WHERE (deleted_at IS NOT NULL);
-- Create "mail_recipients" table
CREATE TABLE "mail_recipients" ("id" character varying NOT NULL COLLATE "C", "number_id" character varying NOT NULL COLLATE "C", "address" character varying NOT NULL, "refusals" bigint NOT NULL DEFAULT 0, "left_out_at" timestamptz NULL, "unsubscribed_at" timestamptz NULL, PRIMARY KEY ("id"));
-- Create index "mailrecipient_number_id_address" to table: "mail_recipients"
CREATE UNIQUE INDEX "mailrecipient_number_id_address" ON "mail_recipients" ("number_id", "address");
-- Modify "calls" table
ALTER TABLE "calls" ADD COLUMN "counted_until" timestamptz NULL;
-- Create index "call_counted_number_id_counted_until" to table: "calls"
CREATE INDEX "call_counted_number_id_counted_until" ON "calls" ("number_id", "counted_until") WHERE (counted_until IS NOT NULL);
-- Create index "call_owner_id_changed_at" to table: "calls"
CREATE INDEX "call_owner_id_changed_at" ON "calls" ("owner_id", "changed_at");
-- Modify "deliveries" table
ALTER TABLE "deliveries" DROP CONSTRAINT "deliveries_voicemails_deliveries", ALTER COLUMN "voicemail_id" DROP NOT NULL, ADD COLUMN "number_id" character varying NULL COLLATE "C", ADD COLUMN "withheld" boolean NOT NULL DEFAULT false, ADD COLUMN "call_id" character varying NULL COLLATE "C", ADD CONSTRAINT "deliveries_voicemails_deliveries" FOREIGN KEY ("voicemail_id") REFERENCES "voicemails" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, ADD CONSTRAINT "deliveries_calls_deliveries" FOREIGN KEY ("call_id") REFERENCES "calls" ("id") ON UPDATE NO ACTION ON DELETE SET NULL;
-- Create index "delivery_call_id_channel_recipient" to table: "deliveries"
CREATE UNIQUE INDEX "delivery_call_id_channel_recipient" ON "deliveries" ("call_id", "channel", "recipient");
-- Create index "delivery_number_id_created_at" to table: "deliveries"
CREATE INDEX "delivery_number_id_created_at" ON "deliveries" ("number_id", "created_at");
