const CALL = `
fragment CallFields on Call {
  id from to outcome startedAt endedAt durationSeconds
  number { phoneNumber label }
  timeline { at kind detail }
}`;

const VOICEMAIL = `
fragment VoicemailFields on Voicemail {
  id from durationSeconds receivedAt
  number { phoneNumber label }
  audio audioError audioURL
  transcript transcription transcriptionError
  deliveries { id channel recipient state attempts lastError deliveredAt }
  call { ...CallFields }
}` + CALL;

export const INBOX = `
query Inbox {
  viewer { name email }
  voicemails(first: 20) {
    edges { cursor node { ...VoicemailFields } }
    pageInfo { endCursor hasNextPage }
    followCursor
  }
  calls(first: 20) { edges { node { ...CallFields } } }
}` + VOICEMAIL;

export const OLDER = `
query Older($after: Cursor) {
  voicemails(first: 20, after: $after) {
    edges { cursor node { ...VoicemailFields } }
    pageInfo { endCursor hasNextPage }
  }
}` + VOICEMAIL;

export const CALLS = `
query Calls {
  calls(first: 20) { edges { node { ...CallFields } } }
}` + CALL;

export const ONE = `
query OneVoicemail($id: ID!) {
  node(id: $id) { ...VoicemailFields }
}` + VOICEMAIL;

export const RECEIVED = `
subscription Received($after: Cursor) {
  voicemailReceived(after: $after) {
    cursor
    node { ...VoicemailFields }
  }
}` + VOICEMAIL;

export const CHANGED = `
subscription Changed($after: Cursor) {
  voicemailChanged(after: $after) {
    cursor kind voicemailID
    voicemail { ...VoicemailFields }
  }
}` + VOICEMAIL;

export const CALL_CHANGED = `
subscription CallChanged($since: Time) {
  callChanged(since: $since) { ...CallFields }
}` + CALL;
