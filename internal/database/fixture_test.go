package database_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/maskline/maskline/ent"
	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/phone"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 123456000, time.UTC)

// inTx runs do in a transaction and commits.
func inTx(ctx context.Context, db *database.DB, do func(tx *database.Tx) error) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error is the one that counts
		return err
	}
	return tx.Commit()
}

func mustInTx(ctx context.Context, t testing.TB, db *database.DB, do func(tx *database.Tx) error) {
	t.Helper()
	if err := inTx(ctx, db, do); err != nil {
		t.Fatal(err)
	}
}

// household is a user with one of everything.
type household struct {
	user      *ent.User
	number    *ent.MaskedNumber
	call      *ent.Call
	voicemail *ent.Voicemail
}

// settle makes the n-th household.
func settle(ctx context.Context, t testing.TB, db *database.DB, n int) (h household) {
	t.Helper()
	mustInTx(ctx, t, db, func(tx *database.Tx) (err error) {
		h, err = household{}.build(ctx, tx.Ent, n)
		return err
	})
	return h
}

func (h household) build(ctx context.Context, c *ent.Client, n int) (household, error) {
	var err error
	if h.user, err = c.User.Create().SetEmail(fmt.Sprintf("user%d@example.com", n)).SetName("Ada").Save(ctx); err != nil {
		return h, err
	}
	owner := h.user.ID
	masked := phone.Number(fmt.Sprintf("+1202555%04d", n))
	h.number, err = c.MaskedNumber.Create().SetOwner(h.user).SetPhoneNumber(masked).
		SetForwardTo([]phone.Number{"+12025550100", "+12025550101"}).SetNotifyEmails([]string{"ada@example.com"}).Save(ctx)
	if err != nil {
		return h, err
	}
	h.call, err = c.Call.Create().SetOwnerID(owner).SetNumber(h.number).SetCallSid(fmt.Sprintf("CA%032d", n)).
		SetFrom("anonymous").SetTo(masked).SetStartedAt(noon).SetChangedAt(noon).
		SetTimeline([]phone.CallEvent{{At: noon, Kind: "RECEIVED", Detail: "ring"}}).
		SetAnswers(map[string]phone.Stored{"voice": {Answer: phone.HangUp{}}}).Save(ctx)
	if err != nil {
		return h, err
	}
	h.voicemail, err = c.Voicemail.Create().SetOwnerID(owner).SetNumber(h.number).SetCall(h.call).
		SetRecordingSid(fmt.Sprintf("RE%032d", n)).SetFrom("anonymous").SetDurationSeconds(7).
		SetReceivedAt(noon).SetLearnedAt(noon).SetPlace(int64(2 * n)).Save(ctx)
	if err != nil {
		return h, err
	}
	return h, h.furnish(ctx, c, n)
}

// furnish adds what hangs on the rest.
func (h household) furnish(ctx context.Context, c *ent.Client, n int) error {
	owner := h.user.ID
	plan, err := c.Plan.Create().SetName("Trial").SetType(phone.PlanTrial).SetPeriod(phone.PeriodOnce).Save(ctx)
	if err != nil {
		return err
	}
	for _, create := range []interface{ Exec(context.Context) error }{
		c.NumberSubscription.Create().SetOwnerID(owner).SetNumber(h.number).SetPlan(plan).SetStartedAt(noon).SetUsedSince(noon),
		c.Delivery.Create().SetOwnerID(owner).SetVoicemail(h.voicemail).SetChannel("email").SetRecipient("ada@example.com"),
		c.Change.Create().SetOwnerID(owner).SetPlace(int64(2*n + 1)).SetKind(phone.ChangeUpdated).
			SetVoicemailID(h.voicemail.ID).SetNumberID(h.number.ID).SetAt(noon),
		c.Token.Create().SetOwner(h.user).SetName("laptop").SetPrefix("mk_").SetHash(fmt.Sprintf("%064d", n)),
		c.BlockedCaller.Create().SetOwnerID(owner).SetCaller("+12025550199"),
		c.Counter.Create().SetID(fmt.Sprintf("counter%d", n)),
		c.RawWebhook.Create().SetID(fmt.Sprintf("CA%032d/received", n)).SetNumber("+12025550199").SetForm("CallStatus=ringing").SetToldAt(noon),
		c.AuditEntry.Create().SetAt(noon).SetActorID(owner).SetAction("read").SetOwnerID(owner),
		c.MailRecipient.Create().SetNumberID(h.number.ID).SetAddress("ada@example.com"),
		c.SentMail.Create().SetID(fmt.Sprintf("dlv_%d", n)).SetNumberID(h.number.ID).SetAt(noon),
		c.Setting.Create().SetID(fmt.Sprintf("setting%d", n)).SetValue("secret"),
	} {
		if err := create.Exec(ctx); err != nil {
			return fmt.Errorf("%T: %w", create, err)
		}
	}
	return nil
}
