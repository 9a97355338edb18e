package network

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// repertoire is all that is known of how Twilio behaves towards a service like ours, row by row, with the tests that play
// it; part of a test is named behind a slash. A row that begins with "not played" says why nobody does.
var repertoire = []struct {
	about string
	rows  [][2]string
}{
	{"the parameters of a Dial's action", [][2]string{
		{"all that every request of the caller's leg has", "TestTheFirstWebhookLooksLikeTwilios TestDialRows"},
		{"DialCallStatus, always", "TestDialRows"},
		{"DialCallSid, the phone's leg", "TestDialRows TestTheScreenRunsOnThePhonesLeg"},
		{"DialCallDuration, only when a phone was picked up", "TestDialRows"},
		{"DialBridged, whether two people were joined", "TestDialRows"},
		{"not played: RecordingUrl, which takes a Dial that records; that is refused", "TestEveryRuleHasADocumentThatBreaksIt/a Dial that records"},
	}},
	{"what a Dial's action is told", [][2]string{
		{"a human answered, the phone hung up: in-progress, completed, true", "TestDialRows/a human talks and hangs up first"},
		{"a human answered, the caller hung up first: completed, completed, true", "TestDialRows/a human talks and the caller hangs up first"},
		{"rang out, the caller's leg never answered: ringing, no-answer, false", "TestDialRows/nobody picks up, and the caller's leg was never answered"},
		{"rang out without answerOnBridge: in-progress, no-answer, false", "TestDialRows/nobody picks up without answerOnBridge"},
		{"busy: ringing or in-progress, busy, false", "TestDialRows/busy TestDialRows/busy without answerOnBridge"},
		{"no route to the phone: failed, false", "TestDialRows/unreachable TestAnUnknownPhoneIsUnreachable"},
		{"a caller id that may not be shown: failed, false", "TestCallerIDs"},
		{"a carrier's mailbox, no screen: in-progress, completed, true", "TestDialRows/a carrier's mailbox picks up, unscreened"},
		{"a mailbox in the screen: completed, false", "TestDialRows/a carrier's mailbox picks up and fails the screen"},
		{"silence in the screen: completed, false", "TestDialRows/a human says nothing in the screen"},
		{"the phone hung up in the screen: completed, false", "TestDialRows/a human hangs up in the screen"},
		{"the phone declined by a key: completed, false", "TestDialRows/a human presses another key in the screen"},
		{"the phone accepted: completed, true", "TestDialRows/a human accepts in the screen"},
		{"the caller hung up while it rang: completed, canceled, false", "TestDialRows/the caller hangs up while it rings"},
		{"the caller hung up during the screen: completed, completed, false", "TestDialRows/the caller hangs up during the screen"},
		{"REST cancelled the phone's leg: in-progress, canceled, false", "TestARESTCancelledLegIsCanceled TestALegCancelledBeforeItRang"},
		{"a star with hangupOnStar: in-progress, completed, true", "TestDialRows/a star with hangupOnStar"},
		{"REST redirected the caller: the old action comes, its answer is ignored", "TestARESTRedirectDuringDialRunsTheOldActionToo TestARESTRedirectBeforeThePhoneIsConnected"},
	}},
	{"what a Record's action is told", [][2]string{
		{"the whole of it after the caller hung up", "TestARecordActionHasTheseKeys"},
		{"RecordingSid and RecordingUrl, of a file that may not be ready", "TestRecordings TestTheRecordActionComesAtOnceAndTheCallbackLater"},
		{"RecordingDuration, untrimmed", "TestRecordings/falling silent TestRecordings/falling silent, untrimmed"},
		{"Digits, the key", "TestRecordings/pressing a key"},
		{"Digits=hangup, with CallStatus=completed", "TestRecordings/hanging up after the message TestRecordings/being cut off by hanging up early"},
		{"Digits missing, or empty, after silence or the longest time", "TestRecordings/falling silent TestRecordings/talking for longer than allowed TestEmptyDigits"},
		{"no action for an empty recording, as older documentation says", "TestSkipEmptyGoesOnBehindRecord"},
	}},
	{"the recording callback", [][2]string{
		{"its ten parameters, and not one about who called whom", "TestARecordingCallbackHasTenKeys"},
		{"in-progress", "TestOnlyTheRecordingEventsAskedForAreReported"},
		{"completed, then the file is there", "TestRecordings TestTheRecordActionComesAtOnceAndTheCallbackLater"},
		{"absent, 16101: too short", "TestRecordings/hanging up at once"},
		{"absent, 16102: silent", "TestRecordings/saying nothing TestAnAbsentRecordingHasNoMedia"},
		{"failed", "TestASpoiltRecordingIsReportedAsFailed"},
		{"before, or after, the action and the end of the call", "TestCallbacksOvertake TestTheRecordActionComesAtOnceAndTheCallbackLater TestCallbacksArriveLate"},
		{"twice", "TestCallbacksArriveTwice"},
		{"never", "TestCallbacksGetLost TestChaosMayKeepToATopic"},
	}},
	{"the transcription callback", [][2]string{
		{"its parameters, with caller and number and without places", "TestATranscriptionHasTheCallersWords"},
		{"failed, without a text", "TestAnUnintelligibleTranscriptionFails"},
		{"only between 2 and 120 seconds, otherwise silence", "TestTwilioIsSilentAboutWhatItDoesNotTranscribe"},
		{"none of a recording that is absent or failed", "TestRecordings/saying nothing TestASpoiltRecordingIsReportedAsFailed"},
		{"before its recording", "TestCallbacksOvertake TestALateCallbackIsOvertaken"},
	}},
	{"a faithful fake 1: the sender", [][2]string{
		{"headers", "TestTheFirstWebhookLooksLikeTwilios"},
		{"parameters in no order, %20", "TestParametersComeInNoOrderAndSpacesAsPercent20"},
		{"signature", "TestSignatureVectors TestWhatIsSignedOfAURL TestHTTPSDropsThePortFromTheSignature"},
		{"the fragment is never sent", "TestConnectionOverridesAreNotSent TestBadOverridesAreFaults"},
		{"rc and rp", "TestRetries TestAFailedConnectionIsTriedOnceMoreByDefault TestHalfAnAnswerIsNeverAskedForAgain"},
		{"rt, ct and tt", "TestASlowServiceIsGivenUp TestTheWatchdogAllowsASteadyStream TestUnknownHostsHaveTheirCode"},
		{"a new connection for each attempt", "TestEveryRequestHasAConnectionOfItsOwn"},
		{"one idempotency token for all attempts, or fresh ones", "TestRetries TestRetriesMayHaveTokensOfTheirOwn TestARepeatMayHaveATokenOfItsOwn"},
		{"the fallback URL, with ErrorCode and ErrorUrl", "TestTheFallbackURLSavesACall TestTheFallbackURLSavesAnActionToo"},
		{"and then the end of the call", "TestAFailingFallbackIsASecondFault TestWithoutFallbackTheCallerHearsAnApology"},
		{"redirects, cookies, userinfo", "TestHTTPRedirectsAreFollowed TestAFoundRedirectBecomesGET TestRedirectingForEverIsAFault TestCookiesComeBack TestUserinfoBecomesBasicAuth"},
	}},
	{"a faithful fake 2: the caller's leg", [][2]string{
		{"ringing at the first webhook", "TestTheFirstWebhookLooksLikeTwilios"},
		{"strict about TwiML, more than Twilio: nothing is skipped", "TestEveryRuleHasADocumentThatBreaksIt TestGoodDocuments TestAnswersThatAreNoDocument TestAScreenAllowsLess"},
		{"in-progress at the first verb that answers", "TestAPauseInFrontDoesNotAnswer TestRejectEndsBusyAndUnanswered"},
		{"or when connected, with answerOnBridge in the first verb", "TestAnswerOnBridgeKeepsRingingOnlyAsFirstVerb"},
		{"the status callback once, at the end", "TestTheStatusCallbackComesOnceAtTheEnd TestWhoeverHangsUpWhileItRingsWasNeverAnswered"},
	}},
	{"a faithful fake 3: scripts", [][2]string{
		{"phones: human, rings, busy, unreachable, mailbox", "TestDialRows"},
		{"in the screen: a key, silence, hanging up", "TestDialRows TestKeysPressedBeforeAnybodyListensAreLost TestHangingUpBetweenPickingUpAndTheKeyDeclines"},
		{"a phone does something else the next time", "TestAPhoneMayDoSomethingElseTheNextTime"},
		{"several phones, the first to pick up silences the others", "TestTheFirstPhoneToPickUpSilencesTheOthers TestAMailboxCutsTheOthersShort"},
		{"callers: hang up at any time", "TestACallerMayHangUpAnywhere TestACallerMayHangUpInTheGreeting TestACallerMayHangUpBeforeAnyPhoneRings"},
		{"callers: leave a message, be silent, press a key", "TestRecordings TestGather"},
		{"the real timeout is 5 seconds longer", "TestTheRealTimeoutIsFiveSecondsLonger"},
	}},
	{"a faithful fake 4: a phone's leg", [][2]string{
		{"initiated, ringing, answered, completed, with SequenceNumber", "TestLegCallbacks"},
		{"shuffled, doubled, lost", "TestCallbacksOvertake TestChaosMayKeepToATopic TestTheSameSeedTellsTheSameStories"},
	}},
	{"a faithful fake 5: recordings", [][2]string{
		{"the action at once, the callback later", "TestTheRecordActionComesAtOnceAndTheCallbackLater"},
		{"media: 404 before that, 401 without credentials, 400 for a second channel", "TestTheRecordActionComesAtOnceAndTheCallbackLater TestMedia404For TestRESTWantsCredentials TestMediaIsTheFile"},
		{"absent", "TestRecordings TestAnAbsentRecordingHasNoMedia"},
		{"lost, late, doubled, reordered", "TestCallbacksGetLost TestCallbacksArriveLate TestCallbacksArriveTwice TestCallbacksOvertake"},
	}},
	{"a faithful fake 6: transcription", [][2]string{
		{"only when asked for, between 2 and 120 seconds", "TestTwilioIsSilentAboutWhatItDoesNotTranscribe TestTranscribingLowersTheLongestRecording"},
	}},
	{"a faithful fake 7: REST", [][2]string{
		{"recordings, calls, numbers", "TestARecordingResource TestCallResources TestNumbersAreListedAndChanged"},
		{"the transcription of a recording", "TestTheTranscriptionOfARecordingIsListed"},
		{"pages and filters", "TestListsComeInPages TestPagesThatDoNotExist TestRecordingFilters TestCallFilters"},
		{"errors as JSON, 429 and other bad days", "TestRESTWantsCredentials TestRESTFindsNothingElsewhere TestFailREST TestChangingCallsThatCantBe"},
		{"204, RFC 2822, durations as strings, nulls", "TestDeletingARecording TestCallResources TestARecordingInProgress"},
		{"not played: 201, since nothing is made by REST: numbers are bought elsewhere", ""},
	}},
	{"a faithful fake 8: Called and Caller", [][2]string{
		{"Called is To and Caller is From", "TestTheFirstWebhookLooksLikeTwilios"},
	}},
	{"a faithful fake 9: REST takes a call over", [][2]string{
		{"new TwiML, and the old Dial's action all the same", "TestARESTRedirectDuringDialRunsTheOldActionToo TestARESTRedirectBeforeThePhoneIsConnected"},
		{"inline TwiML, the end of the call, the end of a phone's leg", "TestInlineTwiMLTakesACallOver TestRESTEndsACall TestAPhonesLegCanBeEnded"},
	}},
	{"a faithful fake 10: chaos", [][2]string{
		{"drop the status callback", "TestCallbacksGetLost TestChaosMayKeepToATopic TestATopicMayBeSparedFromChaos"},
		{"the recording before its action", "TestCallbacksOvertake/the recording, its action"},
		{"the transcript before the recording", "TestCallbacksOvertake/the transcript, its recording TestALateCallbackIsOvertaken"},
		{"the end of the call before the Dial's or Record's action", "TestCallbacksOvertake/the end of the call, the Dial action TestCallbacksOvertake/the end of the call, the Record action"},
		{"unknown parameters", "TestAnyRequestMayCarryWhatNobodyKnows"},
		{"a withheld or odd From, another account", "TestStrangeCallers"},
		{"GET", "TestARefusedGETLeadsToTheFallback TestAScreenThatIsRefusedConnectsNobody TestARefusedCallbackHasNoFallback TestGETAloneEndsInTheApology TestANumberWithGETPutsAllInTheQuery"},
		{"decisions asked twice, at once or later", "TestEveryDecisionMayBeRepeated TestRepeatsComeAtOnceOrALittleLater"},
		{"which have to get one answer", "TestAnotherAnswerToARepeatIsAFault TestAnotherAnswerToARepeatMayBeAllowed TestARepeatThatFailsIsAFault"},
		{"the same seed, the same chaos", "TestTheSameSeedTellsTheSameStories"},
	}},
}

// TestTheRepertoireIsPlayed wants each row to name tests that are there.
func TestTheRepertoireIsPlayed(t *testing.T) {
	t.Parallel()
	parts := tests(t)
	for _, chapter := range repertoire {
		for _, row := range chapter.rows {
			what, by := row[0], row[1]
			if by == "" && !strings.HasPrefix(what, "not played") {
				t.Errorf("%s: %s: nobody plays it", chapter.about, what)
			}
			for _, name := range testsIn(by) {
				test, part, _ := strings.Cut(name, "/")
				if found, ok := parts[test]; !ok || part != "" && !found[part] {
					t.Errorf("%s: %s: there is no %s", chapter.about, what, name)
				}
			}
		}
	}
}

// testsIn splits a row's tests, whose parts may have spaces in their names.
func testsIn(row string) (names []string) {
	for i, name := range strings.Split(" "+row, " Test") {
		if i > 0 {
			names = append(names, "Test"+name)
		}
	}
	return names
}

// tests are the test functions of this package, with all strings in each of them and in the tables of its file.
func tests(t *testing.T) map[string]map[string]bool {
	t.Helper()
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if name == "repertoire_test.go" { // where every name stands
			continue
		}
		inFile := stringsIn(file)
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				found[f.Name.Name] = inFile
			}
		}
	}
	return found
}

func stringsIn(file *ast.File) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				found[text] = true
			}
		}
		return true
	})
	return found
}
