package app

import (
	"context"
	"path/filepath"

	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/postgres"
	"github.com/amanah-project/amanah/internal/store/sqlite"
)

// openDatabase opens the configured engine and brings its schema up to date.
func openDatabase(ctx context.Context, cfg Config) (store.DB, error) {
	if cfg.Database.Engine == "postgres" {
		url, err := cfg.DatabaseURL()
		if err != nil {
			return nil, err
		}
		return postgres.Open(ctx, url, postgres.Options{})
	}
	return sqlite.Open(filepath.Join(cfg.Data, "amanah.db"), sqlite.Options{})
}
