package mail

import "strings"

// phrases is all that our mails say by themselves in one language.
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
	TooLarge     string // the mail server takes no mail with so much in it
	Reason       string // why this mail came

	MissedSubject string // of the caller and of the number, in this order
	MissedHeading string
	Called        string
	MissedReason  string

	More        string // of how many other mails were held back
	Unsubscribe string

	Colon string
	Clock string // the layout of a time; only languages whose months package time knows spell them out
}

var languages = map[string]phrases{
	"en": {
		Subject: "Voicemail from %[1]s for %[2]s", Withheld: "a withheld number", Heading: "New voicemail",
		Caller: "From", Number: "Number", Received: "Received", Length: "Length",
		Transcript: "Transcript", NoTranscript: "No transcript", Listen: "Listen to the message",
		Attached: "The recording is attached.", NoAudio: "No recording",
		Reason:        "You receive this mail because somebody left a message on your masked number.",
		TooLarge:      "The recording is too large for the mail server: listen to it by the link.",
		MissedSubject: "Missed call from %[1]s for %[2]s", MissedHeading: "Missed call", Called: "Called",
		MissedReason: "You receive this mail because somebody called your masked number, was not connected and left no message.",
		More:         "Other mails about this number that were held back, since no more than 100 go out a day: %d. The calls and messages are in the inbox.",
		Unsubscribe:  "No more mails of this number",
		Colon:        ": ", Clock: "2 January 2006, 15:04 MST",
	},
	"zh": {
		Subject: "%[2]s 收到来自%[1]s的语音留言", Withheld: "隐藏号码", Heading: "新语音留言",
		Caller: "来电者", Number: "号码", Received: "收到时间", Length: "时长",
		Transcript: "文字转写", NoTranscript: "没有文字转写", Listen: "收听留言",
		Attached: "录音见附件。", NoAudio: "没有录音",
		Reason:        "您收到此邮件，是因为有人在您的隐私号码上留了言。",
		TooLarge:      "录音过大，邮件服务器无法发送：请点击链接收听。",
		MissedSubject: "%[2]s 有来自%[1]s的未接来电", MissedHeading: "未接来电", Called: "来电时间",
		MissedReason: "您收到此邮件，是因为有人拨打了您的隐私号码，未能接通，也没有留言。",
		More:         "此号码另有 %d 封邮件未发送，因为每天最多发送 100 封。来电和留言可在收件箱中查看。",
		Unsubscribe:  "不再接收此号码的邮件",
		Colon:        "：", Clock: "2006年1月2日 15:04 MST",
	},
	"es": {
		Subject: "Mensaje de voz de %[1]s para %[2]s", Withheld: "un número oculto", Heading: "Nuevo mensaje de voz",
		Caller: "De", Number: "Número", Received: "Recibido", Length: "Duración",
		Transcript: "Transcripción", NoTranscript: "Sin transcripción", Listen: "Escuchar el mensaje",
		Attached: "La grabación va adjunta.", NoAudio: "Sin grabación",
		Reason:        "Recibe este correo porque alguien dejó un mensaje en su número enmascarado.",
		TooLarge:      "La grabación es demasiado grande para el servidor de correo: escúchela con el enlace.",
		MissedSubject: "Llamada perdida de %[1]s para %[2]s", MissedHeading: "Llamada perdida", Called: "Llamó",
		MissedReason: "Recibe este correo porque alguien llamó a su número enmascarado, no fue atendido y no dejó mensaje.",
		More:         "Otros correos de este número que se han retenido, porque se envían como máximo 100 al día: %d. Las llamadas y los mensajes están en el buzón.",
		Unsubscribe:  "No recibir más correos de este número",
		Colon:        ": ", Clock: "02/01/2006, 15:04 MST",
	},
	"fr": {
		Subject: "Message vocal de %[1]s pour %[2]s", Withheld: "un numéro masqué", Heading: "Nouveau message vocal",
		Caller: "De", Number: "Numéro", Received: "Reçu", Length: "Durée",
		Transcript: "Transcription", NoTranscript: "Pas de transcription", Listen: "Écouter le message",
		Attached: "L’enregistrement est joint.", NoAudio: "Pas d’enregistrement",
		Reason:        "Vous recevez ce courriel parce que quelqu’un a laissé un message sur votre numéro masqué.",
		TooLarge:      "L’enregistrement est trop volumineux pour le serveur de messagerie\u00a0: écoutez-le par le lien.",
		MissedSubject: "Appel manqué de %[1]s pour %[2]s", MissedHeading: "Appel manqué", Called: "Appelé",
		MissedReason: "Vous recevez ce courriel parce que quelqu’un a appelé votre numéro masqué, n’a pas été mis en relation et n’a pas laissé de message.",
		More:         "Autres courriels de ce numéro qui ont été retenus, car 100 au plus sont envoyés par jour\u00a0: %d. Les appels et les messages sont dans la boîte de réception.",
		Unsubscribe:  "Ne plus recevoir les courriels de ce numéro",
		Colon:        "\u00a0: ", Clock: "02/01/2006, 15:04 MST",
	},
	"de": {
		Subject: "Sprachnachricht von %[1]s für %[2]s", Withheld: "Unbekannt", Heading: "Neue Sprachnachricht",
		Caller: "Von", Number: "Nummer", Received: "Eingegangen", Length: "Länge",
		Transcript: "Abschrift", NoTranscript: "Keine Abschrift", Listen: "Nachricht anhören",
		Attached: "Die Aufnahme ist angehängt.", NoAudio: "Keine Aufnahme",
		Reason:        "Sie erhalten diese E-Mail, weil jemand auf Ihrer maskierten Nummer eine Nachricht hinterlassen hat.",
		TooLarge:      "Die Aufnahme ist zu groß für den Mailserver: Hören Sie sie über den Link an.",
		MissedSubject: "Verpasster Anruf von %[1]s für %[2]s", MissedHeading: "Verpasster Anruf", Called: "Angerufen",
		MissedReason: "Sie erhalten diese E-Mail, weil jemand Ihre maskierte Nummer angerufen hat, nicht verbunden wurde und keine Nachricht hinterlassen hat.",
		More:         "Weitere E-Mails zu dieser Nummer, die zurückgehalten wurden, weil höchstens 100 am Tag versandt werden: %d. Anrufe und Nachrichten stehen im Posteingang.",
		Unsubscribe:  "Keine E-Mails dieser Nummer mehr",
		Colon:        ": ", Clock: "02.01.2006, 15:04 MST",
	},
	"ja": {
		Subject: "%[1]s から %[2]s への留守番電話", Withheld: "非通知", Heading: "新しい留守番電話",
		Caller: "発信者", Number: "番号", Received: "受信日時", Length: "長さ",
		Transcript: "文字起こし", NoTranscript: "文字起こしなし", Listen: "メッセージを聞く",
		Attached: "録音を添付しています。", NoAudio: "録音なし",
		Reason:        "お使いのマスク番号にメッセージが残されたため、このメールをお送りしています。",
		TooLarge:      "録音が大きすぎるためメールサーバーで送信できません。リンクからお聞きください。",
		MissedSubject: "%[1]s から %[2]s への不在着信", MissedHeading: "不在着信", Called: "着信日時",
		MissedReason: "お使いのマスク番号に着信がありましたが、応答されず、メッセージも残されなかったため、このメールをお送りしています。",
		More:         "1日に送信するメールは100通までのため、この番号の他のメール %d 通は送信されていません。着信とメッセージは受信箱でご確認ください。",
		Unsubscribe:  "この番号のメールを受け取らない",
		Colon:        "：", Clock: "2006年1月2日 15:04 MST",
	},
	"pt": {
		Subject: "Mensagem de voz de %[1]s para %[2]s", Withheld: "um número oculto", Heading: "Nova mensagem de voz",
		Caller: "De", Number: "Número", Received: "Recebida", Length: "Duração",
		Transcript: "Transcrição", NoTranscript: "Sem transcrição", Listen: "Ouvir a mensagem",
		Attached: "A gravação está em anexo.", NoAudio: "Sem gravação",
		Reason:        "Você recebe este e-mail porque alguém deixou uma mensagem no seu número mascarado.",
		TooLarge:      "A gravação é grande demais para o servidor de e-mail: ouça-a pelo link.",
		MissedSubject: "Chamada perdida de %[1]s para %[2]s", MissedHeading: "Chamada perdida", Called: "Ligou",
		MissedReason: "Você recebe este e-mail porque alguém ligou para o seu número mascarado, não foi atendido e não deixou mensagem.",
		More:         "Outros e-mails deste número que foram retidos, porque no máximo 100 são enviados por dia: %d. As chamadas e as mensagens estão na caixa de entrada.",
		Unsubscribe:  "Não receber mais e-mails deste número",
		Colon:        ": ", Clock: "02/01/2006, 15:04 MST",
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
