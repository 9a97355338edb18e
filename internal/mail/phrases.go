package mail

import "strings"

// phrases is all that a voicemail's mail says by itself in one language.
type phrases struct {
	Subject      string // of the caller and of the number, in this order
	Withheld     string // in place of a caller who is not known
	Heading      string
	Caller       string
	Number       string
	Received     string
	Length       string
	Transcript   string
	NoTranscript string
	Listen       string
	Attached     string
	NoAudio      string
	Reason       string // why this mail came
	Colon        string
	Clock        string // the layout of a time; only languages whose months package time knows spell them out
}

var languages = map[string]phrases{
	"en": {
		Subject: "Voicemail from %[1]s for %[2]s", Withheld: "a withheld number", Heading: "New voicemail",
		Caller: "From", Number: "Number", Received: "Received", Length: "Length",
		Transcript: "Transcript", NoTranscript: "No transcript", Listen: "Listen to the message",
		Attached: "The recording is attached.", NoAudio: "No recording",
		Reason: "You receive this mail because somebody left a message on your masked number.",
		Colon:  ": ", Clock: "2 January 2006, 15:04 MST",
	},
	"zh": {
		Subject: "%[2]s 收到来自%[1]s的语音留言", Withheld: "隐藏号码", Heading: "新语音留言",
		Caller: "来电者", Number: "号码", Received: "收到时间", Length: "时长",
		Transcript: "文字转写", NoTranscript: "没有文字转写", Listen: "收听留言",
		Attached: "录音见附件。", NoAudio: "没有录音",
		Reason: "您收到此邮件，是因为有人在您的隐私号码上留了言。",
		Colon:  "：", Clock: "2006年1月2日 15:04 MST",
	},
	"es": {
		Subject: "Mensaje de voz de %[1]s para %[2]s", Withheld: "un número oculto", Heading: "Nuevo mensaje de voz",
		Caller: "De", Number: "Número", Received: "Recibido", Length: "Duración",
		Transcript: "Transcripción", NoTranscript: "Sin transcripción", Listen: "Escuchar el mensaje",
		Attached: "La grabación va adjunta.", NoAudio: "Sin grabación",
		Reason: "Recibe este correo porque alguien dejó un mensaje en su número enmascarado.",
		Colon:  ": ", Clock: "02/01/2006, 15:04 MST",
	},
	"fr": {
		Subject: "Message vocal de %[1]s pour %[2]s", Withheld: "un numéro masqué", Heading: "Nouveau message vocal",
		Caller: "De", Number: "Numéro", Received: "Reçu", Length: "Durée",
		Transcript: "Transcription", NoTranscript: "Pas de transcription", Listen: "Écouter le message",
		Attached: "L’enregistrement est joint.", NoAudio: "Pas d’enregistrement",
		Reason: "Vous recevez ce courriel parce que quelqu’un a laissé un message sur votre numéro masqué.",
		Colon:  "\u00a0: ", Clock: "02/01/2006, 15:04 MST",
	},
	"de": {
		Subject: "Sprachnachricht von %[1]s für %[2]s", Withheld: "Unbekannt", Heading: "Neue Sprachnachricht",
		Caller: "Von", Number: "Nummer", Received: "Eingegangen", Length: "Länge",
		Transcript: "Abschrift", NoTranscript: "Keine Abschrift", Listen: "Nachricht anhören",
		Attached: "Die Aufnahme ist angehängt.", NoAudio: "Keine Aufnahme",
		Reason: "Sie erhalten diese E-Mail, weil jemand auf Ihrer maskierten Nummer eine Nachricht hinterlassen hat.",
		Colon:  ": ", Clock: "02.01.2006, 15:04 MST",
	},
	"ja": {
		Subject: "%[1]s から %[2]s への留守番電話", Withheld: "非通知", Heading: "新しい留守番電話",
		Caller: "発信者", Number: "番号", Received: "受信日時", Length: "長さ",
		Transcript: "文字起こし", NoTranscript: "文字起こしなし", Listen: "メッセージを聞く",
		Attached: "録音を添付しています。", NoAudio: "録音なし",
		Reason: "お使いのマスク番号にメッセージが残されたため、このメールをお送りしています。",
		Colon:  "：", Clock: "2006年1月2日 15:04 MST",
	},
	"pt": {
		Subject: "Mensagem de voz de %[1]s para %[2]s", Withheld: "um número oculto", Heading: "Nova mensagem de voz",
		Caller: "De", Number: "Número", Received: "Recebida", Length: "Duração",
		Transcript: "Transcrição", NoTranscript: "Sem transcrição", Listen: "Ouvir a mensagem",
		Attached: "A gravação está em anexo.", NoAudio: "Sem gravação",
		Reason: "Você recebe este e-mail porque alguém deixou uma mensagem no seu número mascarado.",
		Colon:  ": ", Clock: "02/01/2006, 15:04 MST",
	},
}

// speak gives the phrases of a locale, whatever country it names, and English for a language that is not here.
func speak(locale string) (string, phrases) {
	language, _, _ := strings.Cut(strings.ToLower(locale), "-")
	if p, ok := languages[language]; ok {
		return language, p
	}
	return "en", languages["en"]
}
