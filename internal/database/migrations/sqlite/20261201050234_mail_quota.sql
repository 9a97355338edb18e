-- Disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- Create "new_deliveries" table
CREATE TABLE `new_deliveries` (`id` text NOT NULL, `owner_id` text NOT NULL, `number_id` text NULL, `channel` text NOT NULL, `recipient` text NOT NULL, `state` text NOT NULL DEFAULT ('PENDING'), `attempts` integer NOT NULL DEFAULT (0), `last_error` text NULL, `delivered_at` datetime NULL, `claimed_until` datetime NULL, `retried_at` datetime NULL, `withheld` bool NOT NULL DEFAULT (false), `more` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `call_id` text NULL, `voicemail_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `deliveries_calls_deliveries` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`) ON DELETE SET NULL, CONSTRAINT `deliveries_voicemails_deliveries` FOREIGN KEY (`voicemail_id`) REFERENCES `voicemails` (`id`) ON DELETE SET NULL);
-- Copy rows from old table "deliveries" to new temporary table "new_deliveries"
INSERT INTO `new_deliveries` (`id`, `owner_id`, `number_id`, `channel`, `recipient`, `state`, `attempts`, `last_error`, `delivered_at`, `claimed_until`, `retried_at`, `withheld`, `created_at`, `call_id`, `voicemail_id`) SELECT `id`, `owner_id`, `number_id`, `channel`, `recipient`, `state`, `attempts`, `last_error`, `delivered_at`, `claimed_until`, `retried_at`, `withheld`, `created_at`, `call_id`, `voicemail_id` FROM `deliveries`;
-- Drop "deliveries" table after copying rows
DROP TABLE `deliveries`;
-- Rename temporary table "new_deliveries" to "deliveries"
ALTER TABLE `new_deliveries` RENAME TO `deliveries`;
-- Create index "delivery_voicemail_id_channel_recipient" to table: "deliveries"
CREATE UNIQUE INDEX `delivery_voicemail_id_channel_recipient` ON `deliveries` (`voicemail_id`, `channel`, `recipient`);
-- Create index "delivery_call_id_channel_recipient" to table: "deliveries"
CREATE UNIQUE INDEX `delivery_call_id_channel_recipient` ON `deliveries` (`call_id`, `channel`, `recipient`);
-- Create index "delivery_owner_id" to table: "deliveries"
CREATE INDEX `delivery_owner_id` ON `deliveries` (`owner_id`);
-- Create index "delivery_withheld" to table: "deliveries"
CREATE INDEX `delivery_withheld` ON `deliveries` (`number_id`, `recipient`) WHERE withheld;
-- Create index "delivery_pending" to table: "deliveries"
CREATE INDEX `delivery_pending` ON `deliveries` (`created_at`) WHERE state = 'PENDING';
-- Create "sent_mails" table
CREATE TABLE `sent_mails` (`id` text NOT NULL, `number_id` text NOT NULL, `at` datetime NOT NULL, PRIMARY KEY (`id`));
-- Create index "sentmail_number_id_at" to table: "sent_mails"
CREATE INDEX `sentmail_number_id_at` ON `sent_mails` (`number_id`, `at`);
-- Create index "sentmail_at" to table: "sent_mails"
CREATE INDEX `sentmail_at` ON `sent_mails` (`at`);
-- Enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
