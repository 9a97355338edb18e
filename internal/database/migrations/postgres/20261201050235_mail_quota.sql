-- Drop index "delivery_number_id_created_at" from table: "deliveries"
DROP INDEX "delivery_number_id_created_at";
-- Modify "deliveries" table
ALTER TABLE "deliveries" ADD COLUMN "more" bigint NOT NULL DEFAULT 0;
-- Create index "delivery_withheld" to table: "deliveries"
CREATE INDEX "delivery_withheld" ON "deliveries" ("number_id", "recipient") WHERE withheld;
-- Create "sent_mails" table
CREATE TABLE "sent_mails" ("id" character varying NOT NULL COLLATE "C", "number_id" character varying NOT NULL COLLATE "C", "at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- Create index "sentmail_at" to table: "sent_mails"
CREATE INDEX "sentmail_at" ON "sent_mails" ("at");
-- Create index "sentmail_number_id_at" to table: "sent_mails"
CREATE INDEX "sentmail_number_id_at" ON "sent_mails" ("number_id", "at");
