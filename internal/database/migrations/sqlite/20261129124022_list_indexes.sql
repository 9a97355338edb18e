-- Drop index "call_owner_id_started_at" from table: "calls"
DROP INDEX `call_owner_id_started_at`;
-- Drop index "call_number_id_started_at" from table: "calls"
DROP INDEX `call_number_id_started_at`;
-- Drop index "call_started_at" from table: "calls"
DROP INDEX `call_started_at`;
-- Drop index "call_owner_id_outcome_started_at" from table: "calls"
DROP INDEX `call_owner_id_outcome_started_at`;
-- Drop index "call_owner_id_from_started_at" from table: "calls"
DROP INDEX `call_owner_id_from_started_at`;
-- Create index "call_not_ended_started_at" to table: "calls"
CREATE INDEX `call_not_ended_started_at` ON `calls` (`started_at`) WHERE ended_at IS NULL;
-- Create index "call_owner_id_started_at_id" to table: "calls"
CREATE INDEX `call_owner_id_started_at_id` ON `calls` (`owner_id`, `started_at`, `id`);
-- Create index "call_owner_id_outcome_started_at_id" to table: "calls"
CREATE INDEX `call_owner_id_outcome_started_at_id` ON `calls` (`owner_id`, `outcome`, `started_at`, `id`);
-- Create index "call_owner_id_from_started_at_id" to table: "calls"
CREATE INDEX `call_owner_id_from_started_at_id` ON `calls` (`owner_id`, `from`, `started_at`, `id`);
-- Create index "call_number_id_started_at_id" to table: "calls"
CREATE INDEX `call_number_id_started_at_id` ON `calls` (`number_id`, `started_at`, `id`);
-- Create index "call_number_id_outcome_started_at_id" to table: "calls"
CREATE INDEX `call_number_id_outcome_started_at_id` ON `calls` (`number_id`, `outcome`, `started_at`, `id`);
-- Create index "call_number_id_from_started_at_id" to table: "calls"
CREATE INDEX `call_number_id_from_started_at_id` ON `calls` (`number_id`, `from`, `started_at`, `id`);
-- Create index "call_everybody_started_at_id" to table: "calls"
CREATE INDEX `call_everybody_started_at_id` ON `calls` (`started_at`, `id`) WHERE id > '';
-- Create index "call_everybody_outcome_started_at_id" to table: "calls"
CREATE INDEX `call_everybody_outcome_started_at_id` ON `calls` (`outcome`, `started_at`, `id`) WHERE id > '';
-- Create index "call_everybody_from_started_at_id" to table: "calls"
CREATE INDEX `call_everybody_from_started_at_id` ON `calls` (`from`, `started_at`, `id`) WHERE id > '';
-- Drop index "maskednumber_owner_id_created_at" from table: "masked_numbers"
DROP INDEX `maskednumber_owner_id_created_at`;
-- Drop index "maskednumber_owner_id_label" from table: "masked_numbers"
DROP INDEX `maskednumber_owner_id_label`;
-- Drop index "maskednumber_created_at" from table: "masked_numbers"
DROP INDEX `maskednumber_created_at`;
-- Create index "maskednumber_owner_id_phone_number_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_phone_number_created_at_id` ON `masked_numbers` (`owner_id`, `phone_number`, `created_at`, `id`);
-- Create index "maskednumber_owner_id_phone_number_label_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_phone_number_label_id` ON `masked_numbers` (`owner_id`, `phone_number`, `label`, `id`);
-- Create index "maskednumber_owner_id_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_created_at_id` ON `masked_numbers` (`owner_id`, `created_at`, `id`);
-- Create index "maskednumber_owner_id_label_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_label_id` ON `masked_numbers` (`owner_id`, `label`, `id`);
-- Create index "maskednumber_owner_id_label_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_label_created_at_id` ON `masked_numbers` (`owner_id`, `label`, `created_at`, `id`);
-- Create index "maskednumber_owner_id_state_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_state_created_at_id` ON `masked_numbers` (`owner_id`, `state`, `created_at`, `id`);
-- Create index "maskednumber_owner_id_state_label_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_owner_id_state_label_id` ON `masked_numbers` (`owner_id`, `state`, `label`, `id`);
-- Create index "maskednumber_everybody_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_everybody_created_at_id` ON `masked_numbers` (`created_at`, `id`) WHERE id > '';
-- Create index "maskednumber_everybody_label_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_everybody_label_id` ON `masked_numbers` (`label`, `id`) WHERE id > '';
-- Create index "maskednumber_everybody_label_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_everybody_label_created_at_id` ON `masked_numbers` (`label`, `created_at`, `id`) WHERE id > '';
-- Create index "maskednumber_everybody_state_created_at_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_everybody_state_created_at_id` ON `masked_numbers` (`state`, `created_at`, `id`) WHERE id > '';
-- Create index "maskednumber_everybody_state_label_id" to table: "masked_numbers"
CREATE INDEX `maskednumber_everybody_state_label_id` ON `masked_numbers` (`state`, `label`, `id`) WHERE id > '';
-- Drop index "numbersubscription_number_id_started_at" from table: "number_subscriptions"
DROP INDEX `numbersubscription_number_id_started_at`;
-- Create index "numbersubscription_number_id_started_at_id" to table: "number_subscriptions"
CREATE INDEX `numbersubscription_number_id_started_at_id` ON `number_subscriptions` (`number_id`, `started_at`, `id`);
-- Drop index "plan_name" from table: "plans"
DROP INDEX `plan_name`;
-- Create index "plan_name_id" to table: "plans"
CREATE INDEX `plan_name_id` ON `plans` (`name`, `id`);
-- Drop index "token_owner_id" from table: "tokens"
DROP INDEX `token_owner_id`;
-- Create index "token_valid_owner_id_created_at_id" to table: "tokens"
CREATE INDEX `token_valid_owner_id_created_at_id` ON `tokens` (`owner_id`, `created_at`, `id`) WHERE revoked_at IS NULL;
-- Drop index "user_created_at" from table: "users"
DROP INDEX `user_created_at`;
-- Create index "user_created_at_id" to table: "users"
CREATE INDEX `user_created_at_id` ON `users` (`created_at`, `id`);
-- Drop index "voicemail_place" from table: "voicemails"
DROP INDEX `voicemail_place`;
-- Drop index "voicemail_owner_id_place" from table: "voicemails"
DROP INDEX `voicemail_owner_id_place`;
-- Drop index "voicemail_number_id_place" from table: "voicemails"
DROP INDEX `voicemail_number_id_place`;
-- Drop index "voicemail_owner_id_received_at" from table: "voicemails"
DROP INDEX `voicemail_owner_id_received_at`;
-- Drop index "voicemail_number_id_received_at" from table: "voicemails"
DROP INDEX `voicemail_number_id_received_at`;
-- Drop index "voicemail_received_at" from table: "voicemails"
DROP INDEX `voicemail_received_at`;
-- Drop index "voicemail_owner_id_from_place" from table: "voicemails"
DROP INDEX `voicemail_owner_id_from_place`;
-- Drop index "voicemail_owner_id_deleted_at" from table: "voicemails"
DROP INDEX `voicemail_owner_id_deleted_at`;
-- Drop index "voicemail_deleted_at" from table: "voicemails"
DROP INDEX `voicemail_deleted_at`;
-- Create index "voicemail_one_at_a_place" to table: "voicemails"
CREATE UNIQUE INDEX `voicemail_one_at_a_place` ON `voicemails` (`place`) WHERE id > '';
-- Create index "voicemail_binned_owner_id_deleted_at" to table: "voicemails"
CREATE INDEX `voicemail_binned_owner_id_deleted_at` ON `voicemails` (`owner_id`, `deleted_at`) WHERE deleted_at IS NOT NULL;
-- Create index "voicemail_binned_deleted_at" to table: "voicemails"
CREATE INDEX `voicemail_binned_deleted_at` ON `voicemails` (`deleted_at`) WHERE deleted_at IS NOT NULL;
-- Create index "voicemail_shown_owner_id_from_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_owner_id_from_place` ON `voicemails` (`owner_id`, `from`, `place`) WHERE deleted_at IS NULL;
-- Create index "voicemail_shown_owner_id_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_owner_id_place` ON `voicemails` (`owner_id`, `place`) WHERE deleted_at IS NULL;
-- Create index "voicemail_unheard_owner_id_place" to table: "voicemails"
CREATE INDEX `voicemail_unheard_owner_id_place` ON `voicemails` (`owner_id`, `place`) WHERE deleted_at IS NULL AND heard_at IS NULL;
-- Create index "voicemail_shown_owner_id_from_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_owner_id_from_received_at_id` ON `voicemails` (`owner_id`, `from`, `received_at`, `id`) WHERE deleted_at IS NULL;
-- Create index "voicemail_shown_owner_id_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_owner_id_received_at_id` ON `voicemails` (`owner_id`, `received_at`, `id`) WHERE deleted_at IS NULL;
-- Create index "voicemail_unheard_owner_id_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_unheard_owner_id_received_at_id` ON `voicemails` (`owner_id`, `received_at`, `id`) WHERE deleted_at IS NULL AND heard_at IS NULL;
-- Create index "voicemail_shown_number_id_from_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_number_id_from_place` ON `voicemails` (`number_id`, `from`, `place`) WHERE deleted_at IS NULL;
-- Create index "voicemail_shown_number_id_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_number_id_place` ON `voicemails` (`number_id`, `place`) WHERE deleted_at IS NULL;
-- Create index "voicemail_unheard_number_id_place" to table: "voicemails"
CREATE INDEX `voicemail_unheard_number_id_place` ON `voicemails` (`number_id`, `place`) WHERE deleted_at IS NULL AND heard_at IS NULL;
-- Create index "voicemail_shown_number_id_from_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_number_id_from_received_at_id` ON `voicemails` (`number_id`, `from`, `received_at`, `id`) WHERE deleted_at IS NULL;
-- Create index "voicemail_shown_number_id_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_number_id_received_at_id` ON `voicemails` (`number_id`, `received_at`, `id`) WHERE deleted_at IS NULL;
-- Create index "voicemail_unheard_number_id_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_unheard_number_id_received_at_id` ON `voicemails` (`number_id`, `received_at`, `id`) WHERE deleted_at IS NULL AND heard_at IS NULL;
-- Create index "voicemail_shown_everybody_from_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_everybody_from_place` ON `voicemails` (`from`, `place`) WHERE deleted_at IS NULL AND id > '';
-- Create index "voicemail_shown_everybody_place" to table: "voicemails"
CREATE INDEX `voicemail_shown_everybody_place` ON `voicemails` (`place`) WHERE deleted_at IS NULL AND id > '';
-- Create index "voicemail_unheard_everybody_place" to table: "voicemails"
CREATE INDEX `voicemail_unheard_everybody_place` ON `voicemails` (`place`) WHERE deleted_at IS NULL AND heard_at IS NULL AND id > '';
-- Create index "voicemail_shown_everybody_from_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_everybody_from_received_at_id` ON `voicemails` (`from`, `received_at`, `id`) WHERE deleted_at IS NULL AND id > '';
-- Create index "voicemail_shown_everybody_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_shown_everybody_received_at_id` ON `voicemails` (`received_at`, `id`) WHERE deleted_at IS NULL AND id > '';
-- Create index "voicemail_unheard_everybody_received_at_id" to table: "voicemails"
CREATE INDEX `voicemail_unheard_everybody_received_at_id` ON `voicemails` (`received_at`, `id`) WHERE deleted_at IS NULL AND heard_at IS NULL AND id > '';
