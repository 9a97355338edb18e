// Package twilio speaks the two languages Twilio demands of its customers: the signature on a webhook, and the REST API
// through which recordings are fetched and deleted.
//
// It promises that a request is taken for Twilio's only when one of the configured tokens signed exactly the bytes that
// arrived, and that the account's credentials are shown to nobody but the host of the configured base URL.
package twilio
