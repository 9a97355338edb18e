-- Create "raw_webhooks" table
CREATE TABLE `raw_webhooks` (`id` text NOT NULL, `number` text NOT NULL, `form` text NOT NULL, `told_at` datetime NOT NULL, `why` text NULL, `entry` text NULL, PRIMARY KEY (`id`));
-- Create index "rawwebhook_told_at" to table: "raw_webhooks"
CREATE INDEX `rawwebhook_told_at` ON `raw_webhooks` (`told_at`);
-- Create index "rawwebhook_set_aside" to table: "raw_webhooks"
CREATE INDEX `rawwebhook_set_aside` ON `raw_webhooks` (`number`, `id`) WHERE why IS NOT NULL;
