package phone

import (
	"maps"
	"slices"
	"strings"
)

// What a number is set to unless its owner says otherwise.
const (
	DefaultLanguage    = "en-US"
	DefaultRingSeconds = 15
	DefaultMaxSeconds  = 60

	DefaultSilenceSeconds = 10  // that much silence ends a message
	DefaultScreenSeconds  = 25  // so long PRESS_1 waits for the key
	DefaultMaxCallMinutes = 120 // then Twilio ends a forwarded call
	DefaultFinishOnKey    = "*"
)

// TextKey names one of the sentences that we speak.
type TextKey string

// The sentences. TextScreen holds {caller}, TextScreenFor {caller} and {label}.
const (
	TextGreeting    TextKey = "greeting"
	TextGoodbye     TextKey = "goodbye"
	TextUnavailable TextKey = "unavailable"
	TextNobody      TextKey = "nobody"
	TextScreen      TextKey = "screen"
	TextScreenFor   TextKey = "screen for"
	TextWithheld    TextKey = "withheld"
)

// TextKeys lists every sentence.
func TextKeys() []TextKey {
	return []TextKey{TextGreeting, TextGoodbye, TextUnavailable, TextNobody, TextScreen, TextScreenFor, TextWithheld}
}

// Voice is a Twilio text-to-speech voice with the language code that belongs to it.
type Voice struct{ Name, Language string }

type speech struct {
	voice Voice
	texts map[TextKey]string
}

var english = map[TextKey]string{
	TextGreeting:    "Nobody can take your call right now. Please leave a message after the tone.",
	TextGoodbye:     "Thank you. Goodbye.",
	TextUnavailable: "This number cannot take calls at the moment. Please try again later. Goodbye.",
	TextNobody:      "Nobody can take your call right now. Please try again later. Goodbye.",
	TextScreen:      "A call from {caller}. To take it, press 1.",
	TextScreenFor:   "A call from {caller} for {label}. To take it, press 1.",
	TextWithheld:    "a withheld number",
}

// speeches is the one table of what is said, in which voice. Mandarin is zh-CN to us and cmn-CN to the voice.
var speeches = map[string]speech{
	"en-US": {Voice{"Polly.Joanna-Neural", "en-US"}, english},
	"en-GB": {Voice{"Polly.Amy-Neural", "en-GB"}, english},
	"zh-CN": {Voice{"Polly.Zhiyu-Neural", "cmn-CN"}, map[TextKey]string{
		TextGreeting:    "现在无人接听您的电话。请在提示音后留言。",
		TextGoodbye:     "谢谢，再见。",
		TextUnavailable: "该号码暂时无法接听来电，请稍后再拨。再见。",
		TextNobody:      "现在无人接听您的电话，请稍后再拨。再见。",
		TextScreen:      "来自 {caller} 的来电。接听请按 1。",
		TextScreenFor:   "来自 {caller} 打给 {label} 的来电。接听请按 1。",
		TextWithheld:    "未显示号码",
	}},
	"es-ES": {Voice{"Polly.Lucia-Neural", "es-ES"}, map[TextKey]string{
		TextGreeting:    "En este momento nadie puede atender su llamada. Deje un mensaje después de la señal, por favor.",
		TextGoodbye:     "Gracias. Adiós.",
		TextUnavailable: "Este número no puede recibir llamadas en este momento. Inténtelo más tarde, por favor. Adiós.",
		TextNobody:      "En este momento nadie puede atender su llamada. Inténtelo más tarde, por favor. Adiós.",
		TextScreen:      "Llamada de {caller}. Para aceptarla, pulse 1.",
		TextScreenFor:   "Llamada de {caller} para {label}. Para aceptarla, pulse 1.",
		TextWithheld:    "un número oculto",
	}},
	"fr-FR": {Voice{"Polly.Lea-Neural", "fr-FR"}, map[TextKey]string{
		TextGreeting:    "Personne ne peut prendre votre appel pour le moment. Laissez un message après le signal sonore, s'il vous plaît.",
		TextGoodbye:     "Merci. Au revoir.",
		TextUnavailable: "Ce numéro ne peut pas recevoir d'appels pour le moment. Veuillez réessayer plus tard. Au revoir.",
		TextNobody:      "Personne ne peut prendre votre appel pour le moment. Veuillez réessayer plus tard. Au revoir.",
		TextScreen:      "Appel de {caller}. Pour l'accepter, appuyez sur 1.",
		TextScreenFor:   "Appel de {caller} pour {label}. Pour l'accepter, appuyez sur 1.",
		TextWithheld:    "un numéro masqué",
	}},
	"de-DE": {Voice{"Polly.Vicki-Neural", "de-DE"}, map[TextKey]string{
		TextGreeting:    "Im Moment kann niemand Ihren Anruf annehmen. Bitte hinterlassen Sie eine Nachricht nach dem Ton.",
		TextGoodbye:     "Vielen Dank. Auf Wiederhören.",
		TextUnavailable: "Diese Nummer kann im Moment keine Anrufe annehmen. Bitte versuchen Sie es später noch einmal. Auf Wiederhören.",
		TextNobody:      "Im Moment kann niemand Ihren Anruf annehmen. Bitte versuchen Sie es später noch einmal. Auf Wiederhören.",
		TextScreen:      "Ein Anruf von {caller}. Um ihn anzunehmen, drücken Sie die 1.",
		TextScreenFor:   "Ein Anruf von {caller} für {label}. Um ihn anzunehmen, drücken Sie die 1.",
		TextWithheld:    "einer unterdrückten Nummer",
	}},
	"ja-JP": {Voice{"Polly.Kazuha-Neural", "ja-JP"}, map[TextKey]string{
		TextGreeting:    "ただいま電話に出ることができません。発信音のあとにメッセージをお話しください。",
		TextGoodbye:     "ありがとうございました。失礼いたします。",
		TextUnavailable: "この番号は現在お電話をお受けできません。後ほどおかけ直しください。失礼いたします。",
		TextNobody:      "ただいま電話に出ることができません。後ほどおかけ直しください。失礼いたします。",
		TextScreen:      "{caller} からのお電話です。お受けになる場合は 1 を押してください。",
		TextScreenFor:   "{caller} から {label} へのお電話です。お受けになる場合は 1 を押してください。",
		TextWithheld:    "非通知の番号",
	}},
	"pt-BR": {Voice{"Polly.Camila-Neural", "pt-BR"}, map[TextKey]string{
		TextGreeting:    "No momento ninguém pode atender a sua ligação. Por favor, deixe uma mensagem após o sinal.",
		TextGoodbye:     "Obrigado. Até logo.",
		TextUnavailable: "Este número não pode receber ligações no momento. Por favor, tente novamente mais tarde. Até logo.",
		TextNobody:      "No momento ninguém pode atender a sua ligação. Por favor, tente novamente mais tarde. Até logo.",
		TextScreen:      "Ligação de {caller}. Para atender, pressione 1.",
		TextScreenFor:   "Ligação de {caller} para {label}. Para atender, pressione 1.",
		TextWithheld:    "um número não identificado",
	}},
}

// Languages lists the languages that a number may speak.
func Languages() []string { return slices.Sorted(maps.Keys(speeches)) }

// Speak is a sentence in a language and the voice for it; a language that we no longer know speaks English.
func Speak(key TextKey, language string) (string, Voice) {
	s, ok := speeches[language]
	if !ok {
		s = speeches[DefaultLanguage]
	}
	return s.texts[key], s.voice
}

// Text returns what the screen says. Digits are said one by one, since a number without spaces is read as one quantity. What the label
// contains is spoken as it stands, also where it looks like a placeholder.
func (s Screen) Text() (string, Voice) {
	key, label := TextScreen, strings.TrimSpace(s.Label)
	if label != "" {
		key = TextScreenFor
	}
	text, voice := Speak(key, s.Language)
	who, _ := Speak(TextWithheld, s.Language)
	if s.Caller != Anonymous {
		who = strings.Join(strings.Split(strings.TrimPrefix(s.Caller, "+"), ""), " ")
	}
	return strings.NewReplacer("{caller}", who, "{label}", label).Replace(text), voice
}
