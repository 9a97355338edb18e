package graph
import ("net/http";"strings")
func bearer(r *http.Request) string { return bearerOf(r.Header.Get("Authorization")) }
func bearerOf(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") { return "" }
	return strings.TrimSpace(token)
}
func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }
