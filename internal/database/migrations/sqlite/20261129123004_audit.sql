-- Create "audit_entries" table
CREATE TABLE `audit_entries` (`id` text NOT NULL, `at` datetime NOT NULL, `actor_id` text NOT NULL DEFAULT (''), `token_id` text NOT NULL DEFAULT (''), `action` text NOT NULL, `owner_id` text NOT NULL DEFAULT (''), `subject` text NOT NULL DEFAULT (''), `detail` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- Create index "auditentry_at" to table: "audit_entries"
CREATE INDEX `auditentry_at` ON `audit_entries` (`at`);
-- Create index "auditentry_actor_id_at" to table: "audit_entries"
CREATE INDEX `auditentry_actor_id_at` ON `audit_entries` (`actor_id`, `at`);
-- Create index "auditentry_owner_id_at" to table: "audit_entries"
CREATE INDEX `auditentry_owner_id_at` ON `audit_entries` (`owner_id`, `at`);
