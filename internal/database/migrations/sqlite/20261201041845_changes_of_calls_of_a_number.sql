-- Create index "call_number_id_changed_at_id" to table: "calls"
CREATE INDEX `call_number_id_changed_at_id` ON `calls` (`number_id`, `changed_at`, `id`);
