package doctor

import (
	"context"
	"fmt"

	"github.com/maskline/maskline/internal/mail"
	"github.com/maskline/maskline/internal/recordings"
)

func (p Patient) examineMail(ctx context.Context) []Finding {
	sender, err := mail.New(p.Mail)
	encrypted := false
	if err == nil {
		encrypted, err = sender.Check(ctx)
	}
	toFiles := p.Mail.SMTPURL == ""
	switch {
	case err != nil && toFiles:
		return []Finding{trouble(areaMail, fmt.Sprintf("Mails can't be put into %s: %v.", p.Mail.Dir, err), "See who may write to DATA_DIR, or set SMTP_URL.")}
	case err != nil && mail.Insecure(err):
		return []Finding{trouble(areaMail, fmt.Sprintf("The mail server offers no secure connection: %v.", err),
			"Have the server offer STARTTLS with a good certificate, or use smtps://. SMTP_TLS=opportunistic sends mails in the clear where the server offers no encryption. Mails wait meanwhile, up to 5 days.")}
	case err != nil:
		return []Finding{trouble(areaMail, fmt.Sprintf("The mail server does not take us: %v.", err),
			"See whether host, port, user and password in SMTP_URL are right, and whether this machine reaches it. Mails wait meanwhile, up to 5 days.")}
	case toFiles && p.Twilio.AccountSID != "" && p.Twilio.real():
		return []Finding{warning(areaMail, fmt.Sprintf("SMTP_URL is not set: each mail is a file in %s, and nobody gets it.", p.Mail.Dir), "Set SMTP_URL, and MAIL_FROM to an address that the server sends for.")}
	case toFiles:
		return []Finding{fine(areaMail, fmt.Sprintf("Each mail becomes a file in %s.", p.Mail.Dir))}
	case !encrypted && !sender.ToThisMachine():
		return []Finding{warning(areaMail, "Mails, with what callers say, go to the mail server in the clear.", "Have the server offer STARTTLS, or use smtps://, and set SMTP_TLS=required.")}
	}
	return []Finding{fine(areaMail, fmt.Sprintf("The mail server takes us; mails come from %s.", p.Mail.From))}
}

func (p Patient) examineRecordings(ctx context.Context) []Finding {
	store, err := recordings.Open(ctx, p.RecordingsURL)
	if err == nil {
		err = store.Check(ctx)
		_ = store.Close() // the check has said whether it works
	}
	if err != nil {
		return []Finding{trouble(areaRecordings, fmt.Sprintf("Recordings can't be kept: %v.", err),
			"See whether RECORDINGS_URL names the right folder or bucket, and whether we may write, read and delete there. Meanwhile recordings stay at Twilio; they are fetched for 24 hours.")}
	}
	return []Finding{fine(areaRecordings, "A probe was written, read and deleted.")}
}

func (p Patient) examineEngine(ctx context.Context) []Finding {
	if p.Engine == nil {
		return nil
	}
	if err := p.Engine.Check(ctx); err != nil {
		return []Finding{trouble(areaTranscript, fmt.Sprintf("Messages can't be transcribed: %v.", err),
			"Mend what that setting names, or set TRANSCRIBER to off. Messages stay without a text meanwhile.")}
	}
	return []Finding{fine(areaTranscript, "What transcribes the messages is there.")}
}

func (p Patient) examineIssuer(ctx context.Context) []Finding {
	if p.Issuer == nil {
		return nil
	}
	if err := p.Issuer.Check(ctx); err != nil {
		return []Finding{trouble(areaSignIn, fmt.Sprintf("The issuer's tokens can't be judged: %v.", err),
			"See whether OIDC_ISSUER is its address, letter for letter as it calls itself, and whether this machine reaches it. Our own tokens work meanwhile.")}
	}
	return []Finding{fine(areaSignIn, "The issuer of tokens is there, and has keys.")}
}
