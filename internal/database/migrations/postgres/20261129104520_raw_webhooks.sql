-- Create "raw_webhooks" table
CREATE TABLE "raw_webhooks" ("id" character varying NOT NULL COLLATE "C", "number" character varying NOT NULL, "form" text NOT NULL, "told_at" timestamptz NOT NULL, "why" character varying NULL, "entry" text NULL, PRIMARY KEY ("id"));
-- Create index "rawwebhook_set_aside" to table: "raw_webhooks"
CREATE INDEX "rawwebhook_set_aside" ON "raw_webhooks" ("number", "id") WHERE (why IS NOT NULL);
-- Create index "rawwebhook_told_at" to table: "raw_webhooks"
CREATE INDEX "rawwebhook_told_at" ON "raw_webhooks" ("told_at");
