package web

import (
	_ "embed"
	"html/template"
	"net/http"
)

// UnsubscribeState says what the page behind the unsubscribe link of a mail shows.
type UnsubscribeState string

// The zero state is shown as UnsubscribeNotFound.
const (
	UnsubscribeAsk      UnsubscribeState = "ASK"  // the address gets mails
	UnsubscribeDone     UnsubscribeState = "DONE" // it gets none
	UnsubscribeFailed   UnsubscribeState = "FAILED"
	UnsubscribeNotFound UnsubscribeState = "NOT_FOUND"
)

// UnsubscribePage is about the mails of one number to one address.
type UnsubscribePage struct {
	Address, Number, Label string
	State                  UnsubscribeState
}

//go:embed pages/unsubscribe.html
var unsubscribeHTML string

var unsubscribeTemplate = template.Must(template.New("unsubscribe").Parse(unsubscribeHTML))

const unsubscribePolicy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// WriteUnsubscribe answers with the page of p, which works without JavaScript. Its links lead one level up, and its form to itself.
func WriteUnsubscribe(w http.ResponseWriter, status int, p UnsubscribePage) {
	writePage(w, status, unsubscribePolicy, unsubscribeTemplate, p)
}
