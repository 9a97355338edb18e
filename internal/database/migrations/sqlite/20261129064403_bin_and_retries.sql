-- Create index "change_voicemail_id_place" to table: "voicemail_changes"
CREATE INDEX `change_voicemail_id_place` ON `voicemail_changes` (`voicemail_id`, `place`);
-- Create index "change_kind_at" to table: "voicemail_changes"
CREATE INDEX `change_kind_at` ON `voicemail_changes` (`kind`, `at`);
-- Add column "retried_at" to table: "deliveries"
ALTER TABLE `deliveries` ADD COLUMN `retried_at` datetime NULL;
-- Add column "restored_at" to table: "voicemails"
ALTER TABLE `voicemails` ADD COLUMN `restored_at` datetime NULL;
-- Add column "reconciled_at" to table: "voicemails"
ALTER TABLE `voicemails` ADD COLUMN `reconciled_at` datetime NULL;
-- Add column "purged_at" to table: "voicemails"
ALTER TABLE `voicemails` ADD COLUMN `purged_at` datetime NULL;
-- Create index "voicemail_owner_id_deleted_at" to table: "voicemails"
CREATE INDEX `voicemail_owner_id_deleted_at` ON `voicemails` (`owner_id`, `deleted_at`);
-- Create index "voicemail_deleted_at" to table: "voicemails"
CREATE INDEX `voicemail_deleted_at` ON `voicemails` (`deleted_at`);
