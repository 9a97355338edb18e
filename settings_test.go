package main

import (
	"strings"
	"testing"
)

func TestSettingsOfAnIssuerThatContradictThemselvesAreNamed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ issuer, audience, says string }{
		{"", "", ""},
		{"https://accounts.example.com/realms/one", "maskline", ""},
		{"https://accounts.example.com", "", "OIDC_AUDIENCE"},
		{"", "maskline", "OIDC_ISSUER"},
		{"accounts.example.com", "maskline", "OIDC_ISSUER"},
		{"https://accounts.example.com?realm=one", "maskline", "OIDC_ISSUER"},
	} {
		s := testSettings(t, "http://localhost", "http://localhost", option{})
		s.OIDCIssuer, s.OIDCAudience = tt.issuer, tt.audience
		err := s.complete()
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q for %q: got %v, want %q", tt.issuer, tt.audience, err, tt.says)
		}
	}
}
