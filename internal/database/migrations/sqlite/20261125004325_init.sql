-- Create "blocked_callers" table
CREATE TABLE `blocked_callers` (`id` text NOT NULL, `owner_id` text NOT NULL, `caller` text NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- Create index "blockedcaller_owner_id_caller" to table: "blocked_callers"
CREATE UNIQUE INDEX `blockedcaller_owner_id_caller` ON `blocked_callers` (`owner_id`, `caller`);
-- Create "calls" table
CREATE TABLE `calls` (`id` text NOT NULL, `owner_id` text NOT NULL, `subscription_id` text NULL, `call_sid` text NOT NULL, `from` text NOT NULL, `to` text NOT NULL, `state` text NOT NULL DEFAULT ('RINGING'), `outcome` text NOT NULL DEFAULT ('RINGING'), `started_at` datetime NOT NULL, `ended_at` datetime NULL, `duration_seconds` integer NULL, `timeline` json NOT NULL, `answers` json NOT NULL, `reserved_in` datetime NULL, `changed_at` datetime NOT NULL, `number_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `calls_masked_numbers_calls` FOREIGN KEY (`number_id`) REFERENCES `masked_numbers` (`id`) ON DELETE NO ACTION);
-- Create index "call_call_sid" to table: "calls"
CREATE UNIQUE INDEX `call_call_sid` ON `calls` (`call_sid`);
-- Create index "call_owner_id_started_at" to table: "calls"
CREATE INDEX `call_owner_id_started_at` ON `calls` (`owner_id`, `started_at`);
-- Create index "call_number_id_started_at" to table: "calls"
CREATE INDEX `call_number_id_started_at` ON `calls` (`number_id`, `started_at`);
-- Create index "call_started_at" to table: "calls"
CREATE INDEX `call_started_at` ON `calls` (`started_at`);
-- Create index "call_owner_id_outcome_started_at" to table: "calls"
CREATE INDEX `call_owner_id_outcome_started_at` ON `calls` (`owner_id`, `outcome`, `started_at`);
-- Create index "call_owner_id_from_started_at" to table: "calls"
CREATE INDEX `call_owner_id_from_started_at` ON `calls` (`owner_id`, `from`, `started_at`);
-- Create index "call_changed_at" to table: "calls"
CREATE INDEX `call_changed_at` ON `calls` (`changed_at`);
-- Create "voicemail_changes" table
CREATE TABLE `voicemail_changes` (`id` text NOT NULL, `owner_id` text NOT NULL, `place` integer NOT NULL, `kind` text NOT NULL, `voicemail_id` text NOT NULL, `number_id` text NOT NULL, `at` datetime NOT NULL, PRIMARY KEY (`id`));
-- Create index "change_place" to table: "voicemail_changes"
CREATE UNIQUE INDEX `change_place` ON `voicemail_changes` (`place`);
-- Create index "change_owner_id_place" to table: "voicemail_changes"
CREATE INDEX `change_owner_id_place` ON `voicemail_changes` (`owner_id`, `place`);
-- Create index "change_number_id_place" to table: "voicemail_changes"
CREATE INDEX `change_number_id_place` ON `voicemail_changes` (`number_id`, `place`);
-- Create "counters" table
CREATE TABLE `counters` (`id` text NOT NULL, `last` integer NOT NULL DEFAULT (0), PRIMARY KEY (`id`));
-- Create "deliveries" table
CREATE TABLE `deliveries` (`id` text NOT NULL, `owner_id` text NOT NULL, `channel` text NOT NULL, `recipient` text NOT NULL, `state` text NOT NULL DEFAULT ('PENDING'), `attempts` integer NOT NULL DEFAULT (0), `last_error` text NULL, `delivered_at` datetime NULL, `claimed_until` datetime NULL, `created_at` datetime NOT NULL, `voicemail_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `deliveries_voicemails_deliveries` FOREIGN KEY (`voicemail_id`) REFERENCES `voicemails` (`id`) ON DELETE NO ACTION);
-- Create index "delivery_voicemail_id_channel_recipient" to table: "deliveries"
CREATE UNIQUE INDEX `delivery_voicemail_id_channel_recipient` ON `deliveries` (`voicemail_id`, `channel`, `recipient`);
-- Create index "delivery_owner_id" to table: "deliveries"
CREATE INDEX `delivery_owner_id` ON `deliveries` (`owner_id`);
-- Create "masked_numbers" table
CREATE TABLE `masked_numbers` (`id` text NOT NULL, `phone_number` text NOT NULL, `label` text NOT NULL DEFAULT (''), `state` text NOT NULL DEFAULT ('ACTIVE'), `forwarding_enabled` bool NOT NULL DEFAULT (true), `forward_to` json NOT NULL, `ring_seconds` integer NOT NULL DEFAULT (15), `caller_id` text NOT NULL DEFAULT ('CALLER'), `screening` text NOT NULL DEFAULT ('PRESS_1'), `voicemail_enabled` bool NOT NULL DEFAULT (true), `greeting` text NULL, `language` text NOT NULL DEFAULT ('en-US'), `max_voicemail_seconds` integer NOT NULL DEFAULT (60), `finish_on_key` text NOT NULL DEFAULT ('*'), `transcribe` bool NOT NULL DEFAULT (true), `notify_emails` json NOT NULL, `keep_voicemails_days` integer NULL, `created_at` datetime NOT NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `masked_numbers_users_numbers` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- Create index "maskednumber_one_in_use" to table: "masked_numbers"
CREATE UNIQUE INDEX `maskednumber_one_in_use` ON `masked_numbers` (`phone_number`) WHERE state <> 'RELEASED';
-- Create index "maskednumber_phone_number" to table: "masked_numbers"
CREATE INDEX `maskednumber_phone_number` ON `masked_numbers` (`phone_number`);
-- Create index "maskednumber_owner_id_created_at" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_created_at` ON `masked_numbers` (`owner_id`, `created_at`);
-- Create index "maskednumber_owner_id_label" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_label` ON `masked_numbers` (`owner_id`, `label`);
-- Create index "maskednumber_created_at" to table: "masked_numbers"
CREATE INDEX `maskednumber_created_at` ON `masked_numbers` (`created_at`);
-- Create "number_subscriptions" table
CREATE TABLE `number_subscriptions` (`id` text NOT NULL, `owner_id` text NOT NULL, `active` bool NOT NULL DEFAULT (true), `started_at` datetime NOT NULL, `ends_at` datetime NULL, `used_since` datetime NOT NULL, `used_calls` integer NOT NULL DEFAULT (0), `used_voicemails` integer NOT NULL DEFAULT (0), `number_id` text NOT NULL, `plan_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `number_subscriptions_masked_numbers_subscriptions` FOREIGN KEY (`number_id`) REFERENCES `masked_numbers` (`id`) ON DELETE NO ACTION, CONSTRAINT `number_subscriptions_plans_plan` FOREIGN KEY (`plan_id`) REFERENCES `plans` (`id`) ON DELETE NO ACTION);
-- Create index "numbersubscription_one_active" to table: "number_subscriptions"
CREATE UNIQUE INDEX `numbersubscription_one_active` ON `number_subscriptions` (`number_id`) WHERE active;
-- Create index "numbersubscription_number_id_started_at" to table: "number_subscriptions"
CREATE INDEX `numbersubscription_number_id_started_at` ON `number_subscriptions` (`number_id`, `started_at`);
-- Create index "numbersubscription_owner_id" to table: "number_subscriptions"
CREATE INDEX `numbersubscription_owner_id` ON `number_subscriptions` (`owner_id`);
-- Create "plans" table
CREATE TABLE `plans` (`id` text NOT NULL, `name` text NOT NULL, `type` text NOT NULL, `calls_limit` integer NULL, `voicemails_limit` integer NULL, `period` text NOT NULL, PRIMARY KEY (`id`));
-- Create index "plan_name" to table: "plans"
CREATE INDEX `plan_name` ON `plans` (`name`);
-- Create "settings" table
CREATE TABLE `settings` (`id` text NOT NULL, `value` text NOT NULL, PRIMARY KEY (`id`));
-- Create "tokens" table
CREATE TABLE `tokens` (`id` text NOT NULL, `name` text NOT NULL, `prefix` text NOT NULL, `hash` text NOT NULL, `created_at` datetime NOT NULL, `last_used_at` datetime NULL, `expires_at` datetime NULL, `revoked_at` datetime NULL, `owner_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `tokens_users_tokens` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- Create index "token_hash" to table: "tokens"
CREATE UNIQUE INDEX `token_hash` ON `tokens` (`hash`);
-- Create index "token_owner_id" to table: "tokens"
CREATE INDEX `token_owner_id` ON `tokens` (`owner_id`);
-- Create "users" table
CREATE TABLE `users` (`id` text NOT NULL, `email` text NOT NULL, `name` text NOT NULL, `role` text NOT NULL DEFAULT ('OWNER'), `locale` text NOT NULL DEFAULT ('en'), `time_zone` text NOT NULL DEFAULT ('UTC'), `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- Create index "user_email" to table: "users"
CREATE UNIQUE INDEX `user_email` ON `users` (`email`);
-- Create index "user_created_at" to table: "users"
CREATE INDEX `user_created_at` ON `users` (`created_at`);
-- Create "voicemails" table
CREATE TABLE `voicemails` (`id` text NOT NULL, `owner_id` text NOT NULL, `recording_sid` text NOT NULL, `from` text NOT NULL, `duration_seconds` integer NOT NULL, `received_at` datetime NOT NULL, `heard_at` datetime NULL, `audio` text NOT NULL DEFAULT ('PENDING'), `audio_error` text NULL, `audio_type` text NOT NULL DEFAULT (''), `audio_size` integer NOT NULL DEFAULT (0), `audio_sha256` text NOT NULL DEFAULT (''), `transcript` text NULL, `transcription` text NOT NULL DEFAULT ('OFF'), `transcription_error` text NULL, `learned_at` datetime NOT NULL, `place` integer NULL, `appeared_at` datetime NULL, `deleted_at` datetime NULL, `call_id` text NULL, `number_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `voicemails_calls_voicemails` FOREIGN KEY (`call_id`) REFERENCES `calls` (`id`) ON DELETE SET NULL, CONSTRAINT `voicemails_masked_numbers_voicemails` FOREIGN KEY (`number_id`) REFERENCES `masked_numbers` (`id`) ON DELETE NO ACTION);
-- Create index "voicemail_recording_sid" to table: "voicemails"
CREATE UNIQUE INDEX `voicemail_recording_sid` ON `voicemails` (`recording_sid`);
-- Create index "voicemail_place" to table: "voicemails"
CREATE UNIQUE INDEX `voicemail_place` ON `voicemails` (`place`);
-- Create index "voicemail_owner_id_place" to table: "voicemails"
CREATE INDEX `voicemail_owner_id_place` ON `voicemails` (`owner_id`, `place`);
-- Create index "voicemail_number_id_place" to table: "voicemails"
CREATE INDEX `voicemail_number_id_place` ON `voicemails` (`number_id`, `place`);
-- Create index "voicemail_owner_id_received_at" to table: "voicemails"
CREATE INDEX `voicemail_owner_id_received_at` ON `voicemails` (`owner_id`, `received_at`);
-- Create index "voicemail_number_id_received_at" to table: "voicemails"
CREATE INDEX `voicemail_number_id_received_at` ON `voicemails` (`number_id`, `received_at`);
-- Create index "voicemail_received_at" to table: "voicemails"
CREATE INDEX `voicemail_received_at` ON `voicemails` (`received_at`);
-- Create index "voicemail_owner_id_from_place" to table: "voicemails"
CREATE INDEX `voicemail_owner_id_from_place` ON `voicemails` (`owner_id`, `from`, `place`);
-- Create index "voicemail_call_id" to table: "voicemails"
CREATE INDEX `voicemail_call_id` ON `voicemails` (`call_id`);
