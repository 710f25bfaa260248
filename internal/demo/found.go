package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/amanah-project/amanah/client"
	"github.com/amanah-project/amanah/internal/app"
	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/venue"
)

// seed of the synthetic population: every demo has the same people.
const seed = 2021

// found makes the country: people with their evidence, venues, partners with
// their relays, and a linked device for every person.
func (c *country) found(ctx context.Context) (err error) {
	if err := os.MkdirAll(c.opt.Data, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	c.say("starting a keeper")
	if c.site, err = app.OpenSite(ctx, app.SiteOptions{Dir: filepath.Join(c.opt.Data, "site")}); err != nil {
		return err
	}
	if err := c.populate(ctx); err != nil {
		return err
	}
	if err := c.build(ctx); err != nil {
		return err
	}
	c.say("starting the server")
	if err := c.site.StartServer(ctx); err != nil {
		return err
	}
	for _, name := range []string{"Toko Maya", "Naik Aja", "Kota Kita"} {
		c.say("starting the relay of partner " + name)
		url, err := c.site.StartRelay(ctx, name)
		if err != nil {
			return err
		}
		c.relays = append(c.relays, url)
	}
	if err := c.equip(ctx); err != nil {
		return err
	}
	time.Sleep(2500 * time.Millisecond) // until the server has polled the new partners
	return nil
}

func (c *country) say(what string) { fmt.Fprintln(c.opt.Out, what) }

func (c *country) populate(ctx context.Context) error {
	began := time.Now()
	n, err := c.site.Synthesize(ctx, seed, c.as, c.opt.People, func(done int) {
		if done%20000 == 0 {
			c.say(fmt.Sprintf("  %d people", done))
		}
	})
	if err != nil {
		return err
	}
	c.say(fmt.Sprintf("%d synthetic people with their evidence sealed in %s", n, time.Since(began).Round(10*time.Millisecond)))
	return nil
}

// build registers venues of different categories, and takes their codes.
func (c *country) build(ctx context.Context) error {
	for _, v := range []venue.Venue{
		{Name: "Mal Anggrek", Category: venue.Mall, Level: 1, District: "9901", Declared: 4000, Doors: 6},
		{Name: "Pasar Badung", Category: venue.Market, Level: 1, District: "9902", Declared: 3000, Doors: 8},
		{Name: "Bioskop Garuda", Category: venue.Cinema, Level: 2, District: "9901", Declared: 600, Doors: 2},
		{Name: "Stasiun Kota", Category: venue.Transport, Level: 1, District: "9903", Declared: 8000, Doors: 10},
		{Name: "SMA Merdeka", Category: venue.School, Level: 3, District: "9902", Declared: 900, Doors: 2},
	} {
		made, err := c.site.AddVenue(ctx, v)
		if err != nil {
			return err
		}
		code, err := c.site.VenueCode(ctx, made.ID, 1, false)
		if err != nil {
			return err
		}
		c.venues, c.codes = append(c.venues, made), append(c.codes, code)
	}
	return nil
}

// equip links a device to every person, a third of them through each partner.
func (c *country) equip(ctx context.Context) error {
	began := time.Now()
	pool := &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute, DisableCompression: true}
	const batch = 2000
	for first := 0; first < c.opt.People; first += batch {
		niks := make([]identity.NIK, 0, batch)
		for i := first; i < min(first+batch, c.opt.People); i++ {
			nik, err := app.SyntheticNIK(seed, c.as, i)
			if err != nil {
				return err
			}
			niks = append(niks, nik)
		}
		at := first / batch % len(c.relays)
		made, err := c.site.AddLinks(ctx, partner.ID(at+1), c.relays[at], niks)
		if err != nil {
			return err
		}
		for _, m := range made {
			line := &tap{to: pool}
			d, err := client.Open(m.Credential, client.Options{Transport: line, Language: "en"})
			if err != nil {
				return err
			}
			c.phones = append(c.phones, &phone{device: d, line: line})
		}
	}
	c.say(fmt.Sprintf("%d devices linked in %s", len(c.phones), time.Since(began).Round(10*time.Millisecond)))
	return nil
}

func (c *country) stop() error {
	if c.site == nil {
		return nil
	}
	return c.site.Close()
}
