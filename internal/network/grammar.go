package network

import (
	"strings"
)

// shape is what an element may look like.
type shape struct {
	attrs map[string]rule
	kids  []string
	text  content
}

// content says whether an element has text.
type content int

const (
	noText content = iota
	someText
	mayText
)

// Where recording callbacks and leg callbacks are asked for, these are the events to choose from.
var (
	recordingEvents = []string{"in-progress", "completed", "absent"}
	legEvents       = []string{"initiated", "ringing", "answered", "completed"}
)

// verbs are the elements that may stand in a Response and that this network plays.
var verbs = map[string]shape{
	"Say": {text: someText, kids: ssml, attrs: map[string]rule{
		"voice": voice, "language": language, "loop": whole(0, 1000),
	}},
	"Play": {text: mayText, attrs: map[string]rule{
		"loop": whole(0, 1000), "digits": only("0123456789ABCD#*wW"),
	}},
	"Pause":    {attrs: map[string]rule{"length": whole(0, 14400)}},
	"Hangup":   {},
	"Reject":   {attrs: map[string]rule{"reason": oneOf("rejected", "busy")}},
	"Redirect": {text: someText, attrs: map[string]rule{"method": httpMethod}},
	"Gather": {kids: []string{"Say", "Play", "Pause"}, attrs: map[string]rule{
		"action": address, "method": httpMethod, "timeout": whole(1, 600), "numDigits": whole(1, 1000),
		"finishOnKey": finishKey, "actionOnEmptyResult": boolean, "input": unplayedBut("dtmf"),
		"language": language, "hints": anything, "profanityFilter": boolean, "speechModel": unplayedBut("default"),
		"speechTimeout": unplayedBut(), "partialResultCallback": unplayedBut(), "partialResultCallbackMethod": unplayedBut(),
		"enhanced": unplayedBut("false"),
	}},
	"Record": {attrs: map[string]rule{
		"action": address, "method": httpMethod, "timeout": whole(0, 14400), "maxLength": whole(2, 14400),
		"finishOnKey": keys("0123456789*#"), "playBeep": boolean, "trim": oneOf("trim-silence", "do-not-trim"),
		"recordingStatusCallback": address, "recordingStatusCallbackMethod": httpMethod,
		"recordingStatusCallbackEvent": someOf(recordingEvents...), "transcribe": boolean, "transcribeCallback": address,
		"recordingConfigurationId": unplayedBut(),
	}},
	"Dial": {text: mayText, kids: []string{"Number"}, attrs: map[string]rule{
		"action": address, "method": httpMethod, "timeout": whole(5, 600), "timeLimit": whole(1, 14400),
		"hangupOnStar": boolean, "callerId": anything, "answerOnBridge": boolean, "ringTone": oneOf(ringTones...),
		"callReason": upTo(50), "sequential": unplayedBut("false"), "record": unplayedBut("do-not-record", "false"),
		"trim": unplayedBut("do-not-trim"), "recordingStatusCallback": unplayedBut(),
		"recordingStatusCallbackMethod": unplayedBut(), "recordingStatusCallbackEvent": unplayedBut(),
		"recordingTrack": unplayedBut("both"), "referUrl": unplayedBut(), "referMethod": unplayedBut(),
		"recordingConfigurationId": unplayedBut(), "events": unplayedBut(), "passports": unplayedBut(),
	}},
}

// nouns are the elements that stand inside verbs only.
var nouns = map[string]shape{
	"Number": {text: someText, attrs: map[string]rule{
		"url": address, "method": httpMethod, "statusCallback": address, "statusCallbackMethod": httpMethod,
		"statusCallbackEvent": someOf(legEvents...), "sendDigits": unplayedBut(), "byoc": unplayedBut(),
		"machineDetection": unplayedBut(), "machineDetectionTimeout": unplayedBut(),
		"machineDetectionSpeechThreshold": unplayedBut(), "machineDetectionSpeechEndThreshold": unplayedBut(),
		"machineDetectionSilenceTimeout": unplayedBut(), "amdStatusCallback": unplayedBut(),
		"amdStatusCallbackMethod": unplayedBut(),
	}},
	"break": {attrs: map[string]rule{
		"strength": oneOf("none", "x-weak", "weak", "medium", "strong", "x-strong"), "time": anything,
	}},
	"emphasis": {text: someText, kids: ssml, attrs: map[string]rule{"level": oneOf("strong", "moderate", "reduced")}},
	"lang":     {text: someText, kids: ssml, attrs: map[string]rule{"xml:lang": language}},
	"p":        {text: someText, kids: ssml},
	"phoneme":  {text: someText, attrs: map[string]rule{"alphabet": oneOf("ipa", "x-sampa"), "ph": anything}},
	"prosody": {text: someText, kids: ssml, attrs: map[string]rule{
		"volume": anything, "rate": anything, "pitch": anything,
	}},
	"s":      {text: someText, kids: ssml},
	"say-as": {text: someText, attrs: map[string]rule{"interpret-as": anything, "format": anything}},
	"sub":    {text: someText, attrs: map[string]rule{"alias": anything}},
	"w":      {text: someText, attrs: map[string]rule{"role": anything}},
}

// ssml are the elements that may stand in spoken text.
var ssml = []string{"break", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}

// unplayed are verbs and nouns of Twilio's that this network doesn't play: saying so is kinder than "unknown".
var unplayed = []string{
	"Connect", "Enqueue", "Leave", "Pay", "Prompt", "Refer", "Sms", "Start", "Stop", "Stream", "Siprec", "Transcription",
	"Application", "Client", "Conference", "Queue", "Sim", "Sip", "WhatsApp",
}

var ringTones = strings.Fields("at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph " +
	"pl pt ru se sg th uk us us-old tw ve za")
