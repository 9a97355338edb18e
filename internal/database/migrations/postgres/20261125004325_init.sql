-- Create "blocked_callers" table
CREATE TABLE "blocked_callers" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "caller" character varying NOT NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- Create index "blockedcaller_owner_id_caller" to table: "blocked_callers"
CREATE UNIQUE INDEX "blockedcaller_owner_id_caller" ON "blocked_callers" ("owner_id", "caller");
-- Create "voicemail_changes" table
CREATE TABLE "voicemail_changes" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "place" bigint NOT NULL, "kind" character varying NOT NULL, "voicemail_id" character varying NOT NULL COLLATE "C", "number_id" character varying NOT NULL COLLATE "C", "at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- Create index "change_number_id_place" to table: "voicemail_changes"
CREATE INDEX "change_number_id_place" ON "voicemail_changes" ("number_id", "place");
-- Create index "change_owner_id_place" to table: "voicemail_changes"
CREATE INDEX "change_owner_id_place" ON "voicemail_changes" ("owner_id", "place");
-- Create index "change_place" to table: "voicemail_changes"
CREATE UNIQUE INDEX "change_place" ON "voicemail_changes" ("place");
-- Create "counters" table
CREATE TABLE "counters" ("id" character varying NOT NULL, "last" bigint NOT NULL DEFAULT 0, PRIMARY KEY ("id"));
-- Create "settings" table
CREATE TABLE "settings" ("id" character varying NOT NULL, "value" text NOT NULL, PRIMARY KEY ("id"));
-- Create "users" table
CREATE TABLE "users" ("id" character varying NOT NULL COLLATE "C", "email" character varying NOT NULL, "name" character varying NOT NULL, "role" character varying NOT NULL DEFAULT 'OWNER', "locale" character varying NOT NULL DEFAULT 'en', "time_zone" character varying NOT NULL DEFAULT 'UTC', "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- Create index "user_created_at" to table: "users"
CREATE INDEX "user_created_at" ON "users" ("created_at");
-- Create index "user_email" to table: "users"
CREATE UNIQUE INDEX "user_email" ON "users" ("email");
-- Create "masked_numbers" table
CREATE TABLE "masked_numbers" ("id" character varying NOT NULL COLLATE "C", "phone_number" character varying NOT NULL, "label" character varying NOT NULL DEFAULT '', "state" character varying NOT NULL DEFAULT 'ACTIVE', "forwarding_enabled" boolean NOT NULL DEFAULT true, "forward_to" jsonb NOT NULL, "ring_seconds" bigint NOT NULL DEFAULT 15, "caller_id" character varying NOT NULL DEFAULT 'CALLER', "screening" character varying NOT NULL DEFAULT 'PRESS_1', "voicemail_enabled" boolean NOT NULL DEFAULT true, "greeting" text NULL, "language" character varying NOT NULL DEFAULT 'en-US', "max_voicemail_seconds" bigint NOT NULL DEFAULT 60, "finish_on_key" character varying NOT NULL DEFAULT '*', "transcribe" boolean NOT NULL DEFAULT true, "notify_emails" jsonb NOT NULL, "keep_voicemails_days" bigint NULL, "created_at" timestamptz NOT NULL, "owner_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "masked_numbers_users_numbers" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "maskednumber_created_at" to table: "masked_numbers"
CREATE INDEX "maskednumber_created_at" ON "masked_numbers" ("created_at");
-- Create index "maskednumber_one_in_use" to table: "masked_numbers"
CREATE UNIQUE INDEX "maskednumber_one_in_use" ON "masked_numbers" ("phone_number") WHERE ((state)::text <> 'RELEASED'::text);
-- Create index "maskednumber_owner_id_created_at" to table: "masked_numbers"
CREATE INDEX "maskednumber_owner_id_created_at" ON "masked_numbers" ("owner_id", "created_at");
-- Create index "maskednumber_owner_id_label" to table: "masked_numbers"
CREATE INDEX "maskednumber_owner_id_label" ON "masked_numbers" ("owner_id", "label");
-- Create index "maskednumber_phone_number" to table: "masked_numbers"
CREATE INDEX "maskednumber_phone_number" ON "masked_numbers" ("phone_number");
-- Create "calls" table
CREATE TABLE "calls" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "subscription_id" character varying NULL COLLATE "C", "call_sid" character varying NOT NULL, "from" character varying NOT NULL, "to" character varying NOT NULL, "state" character varying NOT NULL DEFAULT 'RINGING', "outcome" character varying NOT NULL DEFAULT 'RINGING', "started_at" timestamptz NOT NULL, "ended_at" timestamptz NULL, "duration_seconds" bigint NULL, "timeline" jsonb NOT NULL, "answers" jsonb NOT NULL, "reserved_in" timestamptz NULL, "changed_at" timestamptz NOT NULL, "number_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "calls_masked_numbers_calls" FOREIGN KEY ("number_id") REFERENCES "masked_numbers" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "call_call_sid" to table: "calls"
CREATE UNIQUE INDEX "call_call_sid" ON "calls" ("call_sid");
-- Create index "call_changed_at" to table: "calls"
CREATE INDEX "call_changed_at" ON "calls" ("changed_at");
-- Create index "call_number_id_started_at" to table: "calls"
CREATE INDEX "call_number_id_started_at" ON "calls" ("number_id", "started_at");
-- Create index "call_owner_id_from_started_at" to table: "calls"
CREATE INDEX "call_owner_id_from_started_at" ON "calls" ("owner_id", "from", "started_at");
-- Create index "call_owner_id_outcome_started_at" to table: "calls"
CREATE INDEX "call_owner_id_outcome_started_at" ON "calls" ("owner_id", "outcome", "started_at");
-- Create index "call_owner_id_started_at" to table: "calls"
CREATE INDEX "call_owner_id_started_at" ON "calls" ("owner_id", "started_at");
-- Create index "call_started_at" to table: "calls"
CREATE INDEX "call_started_at" ON "calls" ("started_at");
-- Create "voicemails" table
CREATE TABLE "voicemails" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "recording_sid" character varying NOT NULL, "from" character varying NOT NULL, "duration_seconds" bigint NOT NULL, "received_at" timestamptz NOT NULL, "heard_at" timestamptz NULL, "audio" character varying NOT NULL DEFAULT 'PENDING', "audio_error" character varying NULL, "audio_type" character varying NOT NULL DEFAULT '', "audio_size" bigint NOT NULL DEFAULT 0, "audio_sha256" character varying NOT NULL DEFAULT '', "transcript" text NULL, "transcription" character varying NOT NULL DEFAULT 'OFF', "transcription_error" character varying NULL, "learned_at" timestamptz NOT NULL, "place" bigint NULL, "appeared_at" timestamptz NULL, "deleted_at" timestamptz NULL, "call_id" character varying NULL COLLATE "C", "number_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "voicemails_calls_voicemails" FOREIGN KEY ("call_id") REFERENCES "calls" ("id") ON UPDATE NO ACTION ON DELETE SET NULL, CONSTRAINT "voicemails_masked_numbers_voicemails" FOREIGN KEY ("number_id") REFERENCES "masked_numbers" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "voicemail_call_id" to table: "voicemails"
CREATE INDEX "voicemail_call_id" ON "voicemails" ("call_id");
-- Create index "voicemail_number_id_place" to table: "voicemails"
CREATE INDEX "voicemail_number_id_place" ON "voicemails" ("number_id", "place");
-- Create index "voicemail_number_id_received_at" to table: "voicemails"
CREATE INDEX "voicemail_number_id_received_at" ON "voicemails" ("number_id", "received_at");
-- Create index "voicemail_owner_id_from_place" to table: "voicemails"
CREATE INDEX "voicemail_owner_id_from_place" ON "voicemails" ("owner_id", "from", "place");
-- Create index "voicemail_owner_id_place" to table: "voicemails"
CREATE INDEX "voicemail_owner_id_place" ON "voicemails" ("owner_id", "place");
-- Create index "voicemail_owner_id_received_at" to table: "voicemails"
CREATE INDEX "voicemail_owner_id_received_at" ON "voicemails" ("owner_id", "received_at");
-- Create index "voicemail_place" to table: "voicemails"
CREATE UNIQUE INDEX "voicemail_place" ON "voicemails" ("place");
-- Create index "voicemail_received_at" to table: "voicemails"
CREATE INDEX "voicemail_received_at" ON "voicemails" ("received_at");
-- Create index "voicemail_recording_sid" to table: "voicemails"
CREATE UNIQUE INDEX "voicemail_recording_sid" ON "voicemails" ("recording_sid");
-- Create "deliveries" table
CREATE TABLE "deliveries" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "channel" character varying NOT NULL, "recipient" character varying NOT NULL, "state" character varying NOT NULL DEFAULT 'PENDING', "attempts" bigint NOT NULL DEFAULT 0, "last_error" character varying NULL, "delivered_at" timestamptz NULL, "claimed_until" timestamptz NULL, "created_at" timestamptz NOT NULL, "voicemail_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "deliveries_voicemails_deliveries" FOREIGN KEY ("voicemail_id") REFERENCES "voicemails" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "delivery_owner_id" to table: "deliveries"
CREATE INDEX "delivery_owner_id" ON "deliveries" ("owner_id");
-- Create index "delivery_voicemail_id_channel_recipient" to table: "deliveries"
CREATE UNIQUE INDEX "delivery_voicemail_id_channel_recipient" ON "deliveries" ("voicemail_id", "channel", "recipient");
-- Create "plans" table
CREATE TABLE "plans" ("id" character varying NOT NULL COLLATE "C", "name" character varying NOT NULL, "type" character varying NOT NULL, "calls_limit" bigint NULL, "voicemails_limit" bigint NULL, "period" character varying NOT NULL, PRIMARY KEY ("id"));
-- Create index "plan_name" to table: "plans"
CREATE INDEX "plan_name" ON "plans" ("name");
-- Create "number_subscriptions" table
CREATE TABLE "number_subscriptions" ("id" character varying NOT NULL COLLATE "C", "owner_id" character varying NOT NULL COLLATE "C", "active" boolean NOT NULL DEFAULT true, "started_at" timestamptz NOT NULL, "ends_at" timestamptz NULL, "used_since" timestamptz NOT NULL, "used_calls" bigint NOT NULL DEFAULT 0, "used_voicemails" bigint NOT NULL DEFAULT 0, "number_id" character varying NOT NULL COLLATE "C", "plan_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "number_subscriptions_masked_numbers_subscriptions" FOREIGN KEY ("number_id") REFERENCES "masked_numbers" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION, CONSTRAINT "number_subscriptions_plans_plan" FOREIGN KEY ("plan_id") REFERENCES "plans" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "numbersubscription_number_id_started_at" to table: "number_subscriptions"
CREATE INDEX "numbersubscription_number_id_started_at" ON "number_subscriptions" ("number_id", "started_at");
-- Create index "numbersubscription_one_active" to table: "number_subscriptions"
CREATE UNIQUE INDEX "numbersubscription_one_active" ON "number_subscriptions" ("number_id") WHERE active;
-- Create index "numbersubscription_owner_id" to table: "number_subscriptions"
CREATE INDEX "numbersubscription_owner_id" ON "number_subscriptions" ("owner_id");
-- Create "tokens" table
CREATE TABLE "tokens" ("id" character varying NOT NULL COLLATE "C", "name" character varying NOT NULL, "prefix" character varying NOT NULL, "hash" character varying NOT NULL, "created_at" timestamptz NOT NULL, "last_used_at" timestamptz NULL, "expires_at" timestamptz NULL, "revoked_at" timestamptz NULL, "owner_id" character varying NOT NULL COLLATE "C", PRIMARY KEY ("id"), CONSTRAINT "tokens_users_tokens" FOREIGN KEY ("owner_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE NO ACTION);
-- Create index "token_hash" to table: "tokens"
CREATE UNIQUE INDEX "token_hash" ON "tokens" ("hash");
-- Create index "token_owner_id" to table: "tokens"
CREATE INDEX "token_owner_id" ON "tokens" ("owner_id");
