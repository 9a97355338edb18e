package recordings

// Extension is the ending of a file name for audio of this content type.
func Extension(contentType string) string {
	if contentType == typeMP3 {
		return ".mp3"
	}
	return ".wav"
}
