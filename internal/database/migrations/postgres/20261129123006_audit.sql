-- Create "audit_entries" table
CREATE TABLE "audit_entries" ("id" character varying NOT NULL COLLATE "C", "at" timestamptz NOT NULL, "actor_id" character varying NOT NULL DEFAULT '' COLLATE "C", "token_id" character varying NOT NULL DEFAULT '' COLLATE "C", "action" character varying NOT NULL, "owner_id" character varying NOT NULL DEFAULT '' COLLATE "C", "subject" character varying NOT NULL DEFAULT '' COLLATE "C", "detail" text NOT NULL DEFAULT '', PRIMARY KEY ("id"));
-- Create index "auditentry_actor_id_at" to table: "audit_entries"
CREATE INDEX "auditentry_actor_id_at" ON "audit_entries" ("actor_id", "at");
-- Create index "auditentry_at" to table: "audit_entries"
CREATE INDEX "auditentry_at" ON "audit_entries" ("at");
-- Create index "auditentry_owner_id_at" to table: "audit_entries"
CREATE INDEX "auditentry_owner_id_at" ON "audit_entries" ("owner_id", "at");
