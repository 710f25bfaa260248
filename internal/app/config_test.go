package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnsafeConfigurations: each is refused with the setting to change; the same
// configuration without the fault is the control.
func TestUnsafeConfigurations(t *testing.T) {
	dir := t.TempDir()
	open, closed := filepath.Join(dir, "open"), filepath.Join(dir, "closed")
	for name, mode := range map[string]os.FileMode{open: 0o644, closed: 0o600} {
		if err := os.WriteFile(name, []byte("postgres://u@127.0.0.1/x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	safe := Default()
	safe.Data, safe.Keeper.Socket = filepath.Join(dir, "data"), filepath.Join(dir, "serve.sock")
	if err := safe.Check(); err != nil {
		t.Fatalf("the control is refused: %v", err)
	}
	for _, bad := range []struct {
		name, says string
		change     func(c *Config)
	}{
		{"public without TLS", "tls.cert", func(c *Config) { c.Listen = "0.0.0.0:443" }},
		{"half of a certificate", "both or neither", func(c *Config) { c.TLS.Cert = closed }},
		{"a proxy that can be gone around", "loopback", func(c *Config) { c.TLS.Proxy, c.Listen = true, "0.0.0.0:80" }},
		{"public metrics", "ops_public", func(c *Config) { c.Ops = "0.0.0.0:9464" }},
		{"no keeper", "keeper.socket", func(c *Config) { c.Keeper.Socket = "" }},
		{"the keeper's user on a reachable host", "user of its own", func(c *Config) {
			c.Keeper.SameUser, c.Listen, c.TLS = true, "0.0.0.0:443", TLS{Cert: closed, Key: closed}
		}},
		{"PostgreSQL without a URL", "database.url_file", func(c *Config) { c.Database.Engine = "postgres" }},
		{"a URL that would not be used", "database.engine", func(c *Config) { c.Database.URLFile = closed }},
		{"a secret that others may read", "chmod 600", func(c *Config) { c.Database = Database{"postgres", open} }},
		{"visits kept for ever", "retention.visit_days", func(c *Config) { c.Retention.VisitDays = 10000 }},
		{"visits gone before the person's history", "retention.visit_days", func(c *Config) { c.Retention.VisitDays = 3 }},
		{"codes where an operator reads them", "trials", func(c *Config) { c.Message.Kind, c.Message.File = "file", "messages" }},
		{"codes over the network in clear", "message.sms_url", func(c *Config) { c.Message.Kind, c.Message.SMSURL = "sms", "http://gateway.example.id/send" }},
		{"a gateway that is told no text", "message.sms_template", func(c *Config) {
			c.Message.Kind, c.Message.SMSURL, c.Message.SMSTemplate = "sms", "https://gateway.example.id/send", `{"to":"{to}"}`
		}},
		{"mail from nobody", "smtp_from", func(c *Config) { c.Message.Kind, c.Message.SMTPAddr = "smtp", "mail.example.id:587" }},
		{"mail to one address for all", "smtp_to", func(c *Config) {
			c.Message.Kind, c.Message.SMTPAddr, c.Message.SMTPFrom, c.Message.SMTPTo = "smtp", "mail.example.id:587", "a@example.id", "b@example.id"
		}},
		{"a gateway's secret that others may read", "chmod 600", func(c *Config) {
			c.Message.Kind, c.Message.SMSURL, c.Message.SMSHeaderFile = "sms", "https://gateway.example.id/send", open
		}},
		{"one network that stops all others", "link.per_network", func(c *Config) { c.Link.PerNetwork = 2000 }},
		{"all of the keeper's meter", "link.lookups_per_hour", func(c *Config) { c.Link.LookupsPerHour = 5000 }},
		{"canaries of no range", "[canaries]", func(c *Config) { c.Canaries.Regions = "990151" }},
		{"canaries without numbers", "canaries.vacant", func(c *Config) { c.Canaries.Vacant = 1 }},
		{"documents in no bucket", "documents.url", func(c *Config) { c.Documents.Store = "s3" }},
		{"a bucket that would not be used", "documents.store", func(c *Config) { c.Documents.URL = "https://s3.example.id/b" }},
		{"a bucket's credential that others may read", "chmod 600", func(c *Config) {
			c.Documents = Documents{Store: "s3", URL: "https://s3.example.id/b", Region: "x", CredentialFile: open}
		}},
		{"a host that is a URL", "host", func(c *Config) { c.Host = "https://x.id" }},
	} {
		c := safe
		bad.change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), bad.says) {
			t.Errorf("%s: %v", bad.name, err)
		}
	}
}

func TestDatabaseURLNeedsVerifiedTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "url")
	c := Default()
	c.Database = Database{"postgres", file}
	for url, ok := range map[string]bool{
		"postgres://u@127.0.0.1/x":                          true,
		"postgres:///x?host=/run/postgresql":                true,
		"postgres://u@db.example.id/x?sslmode=verify-full":  true,
		"postgres://u@db.example.id/x":                      false,
		"postgres://u@db.example.id/x?sslmode=require":      false,
		"mysql://u@127.0.0.1/x":                             false,
		"postgres://u@db.example.id/x?host=db2.example.org": false,
	} {
		if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DatabaseURL(); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
