package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/amanah-project/amanah/internal/domain/status"
	"github.com/amanah-project/amanah/internal/domain/venue"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/care"
	"github.com/amanah-project/amanah/internal/flow/check"
	vaultflow "github.com/amanah-project/amanah/internal/flow/document"
	"github.com/amanah-project/amanah/internal/flow/gate"
	"github.com/amanah-project/amanah/internal/flow/lookup"
	"github.com/amanah-project/amanah/internal/flow/rights"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/client"
	"github.com/amanah-project/amanah/internal/store"
	"github.com/amanah-project/amanah/internal/store/sqlite"
	"github.com/amanah-project/amanah/internal/telemetry"
	"github.com/amanah-project/amanah/internal/web/api"
	"github.com/amanah-project/amanah/internal/web/console"
	"github.com/amanah-project/amanah/internal/web/dpop"
	"github.com/amanah-project/amanah/internal/web/oauth"
	"github.com/amanah-project/amanah/internal/web/pace"
	"github.com/amanah-project/amanah/internal/web/problem"
	"github.com/amanah-project/amanah/internal/web/relay"
	"github.com/amanah-project/amanah/internal/web/route"
	"github.com/amanah-project/amanah/ohttp"
	"github.com/amanah-project/amanah/verify"
)

// nonceLife is how long a nonce may be used: long enough for a phone in a lift,
// and the time for which used proofs and messages are remembered.
const nonceLife = 5 * time.Minute

// Server is one running server.
type Server struct {
	cfg     Config
	log     *slog.Logger
	db      store.DB
	keeper  *client.Client
	ring    *ring
	codes   *api.Codes
	gateway *ohttp.Gateway
	book    *gate.Book
	gate    *gate.Gate
	members *partners
	metrics *telemetry.Metrics
	rules   *status.Schedule
	nonces  *dpop.Nonces
	pages   func(*oauth.Server) oauth.Pages // on which people consent; nil for none
	linking *linking
	care    *care.Flow
	vault   *vaultflow.Vault
	// tokenPace holds back systems that ask for tokens too often.
	tokenPace *pace.Lanes
	console   *console.Console
	http      *http.Server
	ops       *http.Server
}

// NewServer wires a server over an open database and keeper.
func NewServer(ctx context.Context, cfg Config, db store.DB, k *client.Client, log *slog.Logger) (*Server, error) {
	policy, err := venue.ShippedPolicy()
	if err != nil {
		return nil, err
	}
	rules, err := status.Builtin()
	if err != nil {
		return nil, err
	}
	replays, err := ohttp.NewReplayCache(nonceLife, 4<<20)
	if err != nil {
		return nil, err
	}
	gw, err := ohttp.NewGateway(replays)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: log, db: db, keeper: k, ring: &ring{}, codes: api.NewCodes(cfg.Host),
		gateway: gw, book: gate.NewBook(policy, rules),
		metrics: telemetry.New(), rules: rules, tokenPace: pace.New(tokenRate, tokenBurst),
	}
	s.members = newPartners(time.Now, s.ring.logKey, log)
	keys, err := k.ServiceKeys(ctx)
	if err != nil {
		return nil, err
	}
	s.nonces = dpop.NewNonces(nil, nonceLife, time.Now)
	s.meet(keys.Run)
	if err := s.refresh(ctx); err != nil {
		return nil, err
	}
	s.gate = gate.New(db, k, s.book, gate.Options{
		Workers: cfg.Gate.Workers, Linger: cfg.Gate.Linger, Seen: s.metrics, Met: s.meet,
	})
	if s.linking, err = newLinking(s, keys); err != nil {
		return nil, err
	}
	s.pages = s.linking.under
	if s.vault, err = newVault(ctx, s); err != nil {
		return nil, err
	}
	if s.care, err = newCare(s); err != nil {
		return nil, err
	}
	if s.console, err = newConsole(s); err != nil {
		return nil, err
	}
	s.observe()
	return s, nil
}

// meet goes over to the nonces of the keeper's run. All servers of an installation
// know each other's, and those of an earlier run none of them.
func (s *Server) meet(r keeper.Run) {
	if len(r.Nonce) > 0 {
		s.nonces.Begin(r.ID, r.Nonce)
	}
}

// useTime bounds asking the keeper whether a proof was used.
const useTime = 2 * time.Second

// used asks what all servers remember of a proof that no gate takes to the keeper.
func (s *Server) used(run uint64, proof [16]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), useTime)
	defer cancel()
	now, err := s.keeper.Use(ctx, run, keeper.Proofs{}.Name(proof))
	s.meet(now)
	switch {
	case errors.Is(err, keeper.ErrUsed):
		return dpop.ErrReplay
	case errors.Is(err, keeper.ErrRun):
		return dpop.ErrNonce
	}
	return err
}

// refresh brings keys, venues and partners up to date.
func (s *Server) refresh(ctx context.Context) error {
	if err := s.ring.renew(ctx, s.keeper, s.cfg.Host, s.gateway, s.codes, time.Now); err != nil {
		return err
	}
	if err := check.KeepLedger(ctx, s.db, s.keeper, s.ring.set.Load().ledger); err != nil {
		return err
	}
	if err := check.FollowLedger(ctx, s.db, s.keeper); err != nil {
		return err
	}
	if err := s.members.poll(ctx, s.db); err != nil {
		return err
	}
	return s.book.Refresh(ctx, s.db)
}

// followLedger notes what other servers wrote into the ledger.
func (s *Server) followLedger(ctx context.Context) error {
	if l, ok := s.db.(store.Ledgered); ok {
		return l.FollowLedger(ctx)
	}
	return nil
}

// observe publishes what is read when asked for.
func (s *Server) observe() {
	s.metrics.Gauge("amanah_venue_inside_people", "People inside all venues, as last read.", func() float64 {
		n := 0
		for _, p := range s.book.Places() {
			n += p.Inside
		}
		return float64(n)
	})
	if db, ok := s.db.(*sqlite.DB); ok {
		read := func(of func(sqlite.Stats) uint64) func() float64 {
			return func() float64 { return float64(of(db.Stats())) }
		}
		s.metrics.Gauge("amanah_store_commits", "Durable commits since start.", read(func(st sqlite.Stats) uint64 { return st.Commits }))
		s.metrics.Gauge("amanah_store_checkpoints", "Times the log was written back since start.", read(func(st sqlite.Stats) uint64 { return st.Checkpoints }))
		s.metrics.Gauge("amanah_store_waiting", "Updates that wait for the writer.", read(func(st sqlite.Stats) uint64 { return uint64(st.Waiting) }))
	}
}

// lookups is the flow of people without a phone.
func (s *Server) lookups() *lookup.Flow {
	return &lookup.Flow{DB: s.db, Keeper: s.keeper, Gate: s.gate, Now: time.Now}
}

// device answers what comes encapsulated.
func (s *Server) device() *api.Device {
	return &api.Device{
		Host: s.cfg.Host, Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnce(nonceLife),
		Codes: s.codes, Gate: s.gate, Book: s.book, Now: time.Now,
		History:  &gate.History{DB: s.db, Keeper: s.keeper, Now: time.Now},
		Rights:   &rights.Flow{DB: s.db, Now: time.Now},
		Disputes: &rights.Disputes{DB: s.db, Keeper: s.keeper, Now: time.Now},
		Holder:   s.lookups(),
		Tickets:  func() api.TicketSigner { return s.ring.set.Load().tickets },
		OAuth:    s.authority(),
		Paces:    api.NewPaces(),
	}
}

func (s *Server) routes() *route.Mux {
	doors := &api.Doors{
		Host: s.cfg.Host, Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnceEverywhere(nonceLife, s.used),
		Book: s.book, Now: time.Now,
		Sign: func(c verify.VenueCode) (string, error) { return s.ring.set.Load().venues.Code(c) },
		Leave: func(ctx context.Context, at venue.ID, id venue.VisitID, now time.Time) error {
			return gate.CheckOut(ctx, s.db, at, id, now)
		},
		LookUp: s.lookups(),
		Cards:  func() verify.Keys { return s.ring.set.Load().cardKeys },
		Passes: func() verify.Keys { return s.ring.set.Load().passKeys },
		Seen: func(ctx context.Context, at *gate.Place, shown []venue.Showing, now time.Time) ([]venue.SeenCode, error) {
			return gate.Reconcile(ctx, s.db, at, shown, now)
		},
	}
	mux := &route.Mux{}
	mux.Handle("POST /ohttp", &relay.Handler{
		URL: "https://" + s.cfg.Host + "/ohttp", Tokens: s.ring.tokens, Nonces: s.nonces, Once: dpop.NewOnce(nonceLife),
		Partners: s.members, Gateway: s.gateway, Device: s.device(), Seen: s.metrics, Now: time.Now,
		Known: dpop.NewKnown(),
	})
	mux.HandleFunc("GET "+ohttp.WellKnownPath, document(ohttp.MediaTypeSignedKeys, func() []byte { return s.ring.set.Load().config }))
	mux.HandleFunc("GET /.well-known/amanah-keys", document("application/json", func() []byte { return s.ring.set.Load().published }))
	mux.HandleFunc("GET /healthz", s.healthz)
	s.authority().Routes(mux)
	doors.Routes(mux)
	s.journeys().Routes(mux)
	s.applications().Routes(mux)
	s.linking.routes(mux)
	records := s.records()
	records.Routes(mux)
	s.images(records.Admit).Routes(mux)
	s.transfers(records.Admit).Routes(mux)
	s.console.Routes(mux)
	return mux
}

// opsRoutes are served to the operator alone.
func (s *Server) opsRoutes() *route.Mux {
	mux := &route.Mux{}
	mux.Handle("GET /metrics", s.metrics.Handler())
	mux.HandleFunc("GET /healthz", s.healthz)
	return mux
}

// document serves bytes that change when the keys do.
func document(media string, read func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(read())
	}
}

var errUnwell = fault.New(fault.Unavailable, "the database, the keeper or the partners' states cannot be reached")

// healthz says whether a check-in could be served now: the database answers, the
// keeper answers, partners' states are fresh.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	_, keeperErr := s.keeper.Health(ctx)
	err := errors.Join(keeperErr, s.db.View(ctx, func(store.Stores) error { return nil }), s.members.fresh())
	if err != nil {
		problem.Write(w, errUnwell)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// Run serves until ctx ends, then finishes what it began.
func (s *Server) Run(ctx context.Context) error {
	public, err := s.listen()
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 2)
	go func() { failed <- s.http.Serve(public) }()
	if s.cfg.Ops != "" {
		s.ops = &http.Server{Handler: s.opsRoutes(), ReadHeaderTimeout: 5 * time.Second}
		go func() {
			l, err := bind(s.cfg.Ops)
			if err == nil {
				err = s.ops.Serve(l)
			}
			failed <- err
		}()
	}
	jobs, stopJobs := context.WithCancel(context.Background())
	done := s.startJobs(jobs)
	s.log.Info("serving", "listen", public.Addr().String(), "host", s.cfg.Host, "database", s.cfg.Database.Engine)
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	s.log.Info("stopping")
	s.shutdown()
	stopJobs()
	done.Wait()
	return errors.Join(err, s.vault.Blobs.Close())
}

func (s *Server) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were still running", "error", err)
	}
	if s.ops != nil {
		_ = s.ops.Shutdown(ctx) // nothing of value is lost with a scrape
	}
	s.gate.Close()
}

func (s *Server) listen() (net.Listener, error) {
	l, err := bind(s.cfg.Listen)
	if err != nil {
		return nil, err
	}
	return s.secure(l)
}

// bind takes an address; that another process has it is the operator's to mend.
func bind(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fault.Newf(fault.Conflict, "cannot listen on %s: %v", addr, err)
	}
	return l, nil
}
