-- Written by hand where it only adds columns: tables that are made anew would lose the triggers of the search.
-- Disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- Add to table: `calls`
ALTER TABLE `calls` ADD COLUMN `counted_until` datetime NULL;
-- Create index "call_owner_id_changed_at" to table: "calls"
CREATE INDEX `call_owner_id_changed_at` ON `calls` (`owner_id`, `changed_at`);
-- Create index "call_counted_number_id_counted_until" to table: "calls"
CREATE INDEX `call_counted_number_id_counted_until` ON `calls` (`number_id`, `counted_until`) WHERE counted_until IS NOT NULL;
-- Create "new_deliveries" table
CREATE TABLE `new_deliveries` (`id` text NOT NULL, `owner_id` text NOT NULL, `number_id` text NULL, `channel` text NOT NULL, `recipient` text NOT NULL, `state` text NOT NULL DEFAULT ('PENDING'), `attempts` integer NOT NULL DEFAULT (0), `last_error` text NULL, `delivered_at` datetime NULL, `claimed_until` datetime NULL, `retried_at` datetime NULL, `withheld` bool NOT NULL DEFAULT (false), `created_at` datetime NOT NULL, `call_id` text NULL, `voicemail_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `deliveries_calls_deliveries` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`) ON DELETE SET NULL, CONSTRAINT `deliveries_voicemails_deliveries` FOREIGN KEY (`voicemail_id`) REFERENCES `voicemails` (`id`) ON DELETE SET NULL);
-- Copy rows from old table "deliveries" to new temporary table "new_deliveries"
INSERT INTO `new_deliveries` (`id`, `owner_id`, `channel`, `recipient`, `state`, `attempts`, `last_error`, `delivered_at`, `claimed_until`, `retried_at`, `created_at`, `voicemail_id`) SELECT `id`, `owner_id`, `channel`, `recipient`, `state`, `attempts`, `last_error`, `delivered_at`, `claimed_until`, `retried_at`, `created_at`, `voicemail_id` FROM `deliveries`;
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
-- Create index "delivery_number_id_created_at" to table: "deliveries"
CREATE INDEX `delivery_number_id_created_at` ON `deliveries` (`number_id`, `created_at`);
-- Create index "delivery_pending" to table: "deliveries"
CREATE INDEX `delivery_pending` ON `deliveries` (`created_at`) WHERE state = 'PENDING';
-- Add to table: `masked_numbers`
ALTER TABLE `masked_numbers` ADD COLUMN `silence_seconds` integer NOT NULL DEFAULT (10);
ALTER TABLE `masked_numbers` ADD COLUMN `screen_seconds` integer NOT NULL DEFAULT (25);
ALTER TABLE `masked_numbers` ADD COLUMN `max_call_minutes` integer NOT NULL DEFAULT (120);
ALTER TABLE `masked_numbers` ADD COLUMN `mail_missed_calls` bool NOT NULL DEFAULT (true);
-- Add column "simultaneous_calls" to table: "plans"
ALTER TABLE `plans` ADD COLUMN `simultaneous_calls` integer NULL;
-- Add to table: `tokens`
ALTER TABLE `tokens` ADD COLUMN `parent_id` text NULL;
-- Create index "token_made_by_parent_id" to table: "tokens"
CREATE INDEX `token_made_by_parent_id` ON `tokens` (`parent_id`) WHERE parent_id IS NOT NULL;
-- Add to table: `users`
ALTER TABLE `users` ADD COLUMN `oidc_issuer` text NULL;
ALTER TABLE `users` ADD COLUMN `oidc_subject` text NULL;
-- Create index "user_oidc_issuer_oidc_subject" to table: "users"
CREATE UNIQUE INDEX `user_oidc_issuer_oidc_subject` ON `users` (`oidc_issuer`, `oidc_subject`);
-- Drop index "voicemail_binned_owner_id_deleted_at" from table: "voicemails"
DROP INDEX `voicemail_binned_owner_id_deleted_at`;
-- Create index "voicemail_binned_owner_id_deleted_at_id" to table: "voicemails"
CREATE INDEX `voicemail_binned_owner_id_deleted_at_id` ON `voicemails` (`owner_id`, `deleted_at`, `id`) WHERE deleted_at IS NOT NULL;
-- Create "mail_recipients" table
CREATE TABLE `mail_recipients` (`id` text NOT NULL, `number_id` text NOT NULL, `address` text NOT NULL, `refusals` integer NOT NULL DEFAULT (0), `left_out_at` datetime NULL, `unsubscribed_at` datetime NULL, PRIMARY KEY (`id`));
-- Create index "mailrecipient_number_id_address" to table: "mail_recipients"
CREATE UNIQUE INDEX `mailrecipient_number_id_address` ON `mail_recipients` (`number_id`, `address`);
-- Enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
