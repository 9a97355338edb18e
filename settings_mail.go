package main

import (
	"path/filepath"
	"time"

	"github.com/maskline/maskline/internal/mail"
)

// mail is by which way mails leave.
func (s *Settings) mail(now func() time.Time) mail.Config {
	return mail.Config{SMTPURL: string(s.SMTPURL), TLS: s.SMTPTLS, From: s.MailFrom, Dir: filepath.Join(s.DataDir, "mail"), Now: now}
}
