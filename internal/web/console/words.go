package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/domain/partner"
	"github.com/amanah-project/amanah/internal/domain/record"
	"github.com/amanah-project/amanah/internal/domain/staff"
	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/flow/rollout"
	"github.com/amanah-project/amanah/internal/flow/signin"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/web/signed"
)

// language is what a browser is answered in: what its link says, or the first of its
// languages that we have; Indonesian otherwise.
func language(r *http.Request) string {
	switch lang := r.URL.Query().Get("lang"); lang {
	case "id", "en":
		return lang
	}
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch base, _, _ := strings.Cut(strings.ToLower(tag), "-"); base {
		case "id", "in", "ms":
			return "id"
		case "en":
			return "en"
		}
	}
	return "id"
}

// say gives an error the text that an Indonesian reader is shown; in English it is the
// error's own.
func say(lang string, err error) error {
	if lang == "en" {
		return err
	}
	for _, s := range []struct {
		err error
		id  string
	}{
		{staff.ErrCode, "Kode ini salah, sudah dipakai, atau terlalu lama: minta undangan baru."},
		{signin.ErrBegin, "Pendaftaran belum dimulai, atau dimulai lagi di tempat lain: buka halaman undangan lagi."},
		{staff.ErrVerified, "Kunci sandi tidak memeriksa pemegangnya: pakai PIN, sidik jari atau wajah."},
		{staff.ErrSynced, "Kunci sandi ini dapat disalin ke perangkat lain: pakai yang tetap di perangkatnya, misalnya kunci keamanan."},
		{staff.ErrKeyKind, "Jenis kunci sandi ini tidak didukung."},
		{staff.ErrAsserted, "Tanda tangan kunci sandi tidak berlaku untuk situs ini dan saat ini."},
		{staff.ErrPasskey, "Jawaban kunci sandi tidak dapat dibaca."},
		{staff.ErrSignedOut, "Masuk Anda sudah berakhir, atau lebih lama dari yang boleh untuk peran Anda: masuk lagi."},
		{signed.ErrToken, "Anda belum masuk."},
		{staff.ErrCompare, "Sidik jari kunci berbeda: bandingkan lagi dengan yang mendaftar, dan jangan terima."},
		{staff.ErrOneself, "Tidak seorang pun menjadi orang kedua bagi dirinya sendiri."},
		{staff.ErrApproved, "Anda sudah menyetujui ini, atau sudah cukup yang menyetujui."},
		{staff.ErrOver, "Permintaan ini sudah berakhir: ajukan lagi."},
		{staff.ErrNotYours, "Peran Anda tidak boleh melakukan ini."},
		{signin.ErrElevated, "Ini perlu petugas yang ditingkatkan oleh orang kedua dalam satu jam terakhir."},
		{staff.ErrRequest, "Isi tujuan dengan 1 sampai 200 huruf."},
		{staff.ErrKnown, "Nama ini sudah diundang atau terdaftar."},
		{staff.ErrEnded, "Petugas ini sudah berakhir: undang dengan nama lain."},
		{staff.ErrNobody, "Tidak ada petugas dengan nama ini."},
		{staff.ErrNoPlace, "Tidak ada fasilitas dengan nama ini."},
		{staff.ErrActor, "Nama petugas: 1 sampai 40 huruf kecil, angka dan tanda hubung, misalnya staff-17."},
		{staff.ErrFacility, "Nama fasilitas: 1 sampai 40 huruf kecil, angka dan tanda hubung, misalnya rs-99-001."},
		{staff.ErrErasure, "Penghapusan menyebut satu orang dan kode alasan: 1 sampai 32 huruf kecil, angka dan tanda hubung, misalnya own-request."},
		{rollout.ErrPartner, "Tidak ada mitra dengan nomor ini."},
		{partner.ErrMove, "Mitra ini tidak dapat ke sana dari keadaannya sekarang."},
		{partner.ErrStages, "Mitra ini sudah di tahap terakhir perjanjiannya."},
		{partner.ErrSuspended, "Mitra ini sedang ditangguhkan."},
		{partner.ErrUnsigned, "Mitra ini tidak punya perjanjian yang berlaku."},
		{partner.ErrReport, "Sertifikasi mitra dulu: perlu laporan lulus dari kunci relai yang berlaku, paling lama 30 hari."},
		{partner.ErrReason, "Alasan: paling banyak 200 huruf dalam satu baris, tanpa data pribadi."},
		{record.ErrNobody, "Tidak ada orang terdaftar dengan NIK atau nomor ini."},
		{identity.ErrNIKLength, notNIK}, {identity.ErrNIKDigits, notNIK}, {identity.ErrNIKDate, notNIK}, {identity.ErrNIKRegion, notNIK}, {identity.ErrNIKSerial, notNIK},
		{keeper.ErrActor, "Pemegang kunci tidak mengenal Anda, atau tanda tangan ini bukan milik Anda."},
		{keeper.ErrSecond, "Ini perlu persetujuan orang kedua."},
	} {
		if errors.Is(err, s.err) {
			return fault.New(fault.KindOf(err), s.id)
		}
	}
	return err
}

// notNIK is told of whatever is wrong with a NIK.
const notNIK = "NIK terdiri dari 16 angka dengan tanggal lahir yang berlaku."

// phrase returns one text of the pages.
func phrase(lang, key string) string {
	for _, p := range phrases() {
		if p.key == key {
			if lang == "en" {
				return p.en
			}
			return p.id
		}
	}
	return key
}

// scriptTexts are the phrases that the script shows.
func scriptTexts(lang string) map[string]string {
	out := map[string]string{}
	for _, p := range phrases() {
		if name, ok := strings.CutPrefix(p.key, "js."); ok {
			out[name] = phrase(lang, p.key)
		}
	}
	return out
}

type text struct{ key, id, en string }

// phrases returns every text of the pages in both languages.
func phrases() []text { return append(pagePhrases(), scriptPhrases()...) }

func pagePhrases() []text {
	return []text{
		{"name", "Amanah – petugas", "Amanah – staff"},
		{"other", "English", "Bahasa Indonesia"},
		{"skip", "Langsung ke isi", "Skip to content"},
		{"noscript", "Halaman ini memerlukan JavaScript: tanpa itu peramban tidak dapat memakai kunci sandi.", "This page needs JavaScript: without it a browser can use no passkey."},

		{"enrol.title", "Selesaikan pendaftaran", "Finish your enrolment"},
		{"enrol.what", "Ketik kode undangan Anda, lalu buat kunci sandi pada perangkat yang tidak menyalinnya ke tempat lain, misalnya kunci keamanan.", "Type the code of your invitation, then make a passkey on a device that copies it nowhere else, such as a security key."},
		{"enrol.code", "Kode undangan", "Code of the invitation"},
		{"enrol.go", "Buat kunci sandi", "Make the passkey"},
		{"enrol.tell", "Bacakan sidik jari kunci ini kepada yang mengundang Anda, dengan suara, bukan pesan. Anda terdaftar setelah mereka membandingkannya.", "Read this key's fingerprint to whoever invited you, by voice and not in a message. You are enrolled once they compared it."},
		{"enrol.print", "Sidik jari kunci", "Fingerprint of the key"},

		{"sign-in.title", "Masuk", "Sign in"},
		{"sign-in.what", "Peramban ini membuat kunci yang tidak dapat dibaca siapa pun; kunci sandi Anda mengesahkannya.", "This browser makes a key that nobody can read; your passkey endorses it."},
		{"sign-in.long", "Untuk berapa lama?", "For how long?"},
		{"sign-in.hour", "Satu jam (kantor)", "One hour (office)"},
		{"sign-in.shift", "Satu giliran kerja, 12 jam (klinik)", "One shift, 12 hours (clinic)"},
		{"sign-in.go", "Masuk dengan kunci sandi", "Sign in with your passkey"},

		{"desk.title", "Meja", "Desk"},
		{"desk.you", "Anda masuk sebagai", "You are signed in as"},
		{"desk.until", "sampai", "until"},
		{"desk.out", "Keluar", "Sign out"},
		{"desk.requests", "Perlu orang kedua", "What takes a second person"},
		{"desk.ask", "Ajukan permintaan", "Ask for something"},
		{"desk.purpose", "Untuk apa?", "What for?"},
		{"desk.purpose.hint", "Orang kedua membacanya, dan ia disimpan. Jangan tulis nama atau NIK.", "The second person reads it, and it is kept. Write no name and no NIK."},
		{"desk.elevate", "Kuasa di luar meja selama satu jam", "Powers beyond the desk for an hour"},
		{"desk.widen", "Lebih dari 50 orang dalam sepuluh menit, selama satu jam", "More than 50 people in ten minutes, for an hour"},
		{"desk.send", "Ajukan", "Ask"},
		{"desk.erase", "Hapus rekam medis seseorang", "Erase somebody's records"},
		{"desk.erase.what", "Anda menandatangani dengan kunci sandi, lalu petugas lain menandatangani hal yang sama; sesudah itu perintah pada mesin memusnahkan kuncinya. Tidak dapat dibatalkan.", "You sign with your passkey, and another officer signs the same; a command on the machine destroys the key then. There is no way back."},
		{"desk.whom", "NIK, atau nomor dari daftar retensi", "NIK, or the number in the list of retention"},
		{"desk.reason", "Alasan sebagai kode, misalnya own-request; tertulis dalam berita acara", "Why, as a code such as own-request; it stands in the certificate"},
		{"desk.erased", "Ajukan dan tanda tangani", "Ask, and sign"},
		{"desk.staff", "Petugas", "Staff"},
		{"desk.invite", "Undang petugas", "Invite somebody"},
		{"desk.actor", "Nama petugas, misalnya staff-17; bukan nama orang", "Name, as staff-17; never a person's own"},
		{"desk.facility", "Fasilitas", "Facility"},
		{"desk.role", "Peran", "Role"},
		{"desk.clinician", "tenaga kesehatan", "clinician"},
		{"desk.officer", "petugas kantor", "officer"},
		{"desk.invited", "Undang", "Invite"},

		{"records.title", "Buka rekam medis", "Open health records"},
		{"records.what", "Setiap pembukaan ditandatangani oleh peramban Anda dan dicatat sebelum ditampilkan. Orang yang bersangkutan dapat menanyakannya.", "Each opening is signed by your browser and recorded before anything is shown. The person may ask who opened what."},
		{"records.nik", "16 angka. NIK tidak disimpan dalam alamat halaman.", "16 digits. It is kept out of the page's address."},
		{"records.purpose", "Untuk apa?", "What for?"},
		{"records.treatment", "Merawat pasien ini", "Treating this patient"},
		{"records.glass", "Keadaan darurat, tanpa hubungan perawatan", "An emergency, without a care relationship"},
		{"records.glass.hint", "Paling banyak 3 orang dalam satu jam dan 10 dalam satu hari; jurnal mencatatnya sebagai keadaan darurat, dan orang itu diberi tahu lewat pesan bila nomornya ada.", "At most 3 people an hour and 10 a day; the journal keeps each as an emergency, and the person is told by message where they have a number."},
		{"records.open", "Buka", "Open"},
		{"records.view", "Nama tampilan ini, yang menunjuk pada pembukaan dalam jurnal:", "The name of this view, which leads to its opening in the journal:"},
	}
}

// scriptPhrases are those that the script shows.
func scriptPhrases() []text {
	return []text{
		{"js.nobody", "Tidak ada orang terdaftar dengan NIK ini.", "Nobody is registered under this NIK."},
		{"js.budget", "Jatah Anda untuk membuka rekam medis habis: 10 orang dalam satu jam di luar pasien fasilitas Anda, 60 di dalamnya. Tunggu, atau minta sistem fasilitas menyatakan hubungan perawatan.", "Your budget for opening records is used up: 10 people an hour who are not your facility's patients, 60 who are. Wait, or have your facility's system state that it treats them."},
		{"js.second", "Lebih dari 50 orang dalam sepuluh menit: minta persetujuan orang kedua di Meja.", "More than 50 people in ten minutes: ask for a second person's approval at the Desk."},
		{"js.restricted", "Rekam medis orang ini dibatasi: hanya terbuka dalam keadaan darurat.", "This person's records are restricted: they open in an emergency alone."},
		{"js.erased", "Rekam medis orang ini sudah dihapus.", "This person's records were erased."},
		{"js.whole", "Seluruh isi", "All of it"},
		{"js.unnamed", "Tanpa nama", "No name"},
		{"js.many", "catatan", "records"},

		{"js.working", "Sebentar…", "One moment…"},
		{"js.none", "Peramban ini tidak dapat memakai kunci sandi.", "This browser can use no passkey."},
		{"js.refused", "Kunci sandi tidak dipakai: dibatalkan, waktunya habis, atau tidak ada yang cocok.", "No passkey was used: cancelled, out of time, or none fits."},
		{"js.offline", "Server tidak terjangkau. Coba lagi sebentar lagi.", "The server cannot be reached. Try again in a moment."},
		{"js.empty", "Tidak ada.", "None."},
		{"js.approve", "Setujui dengan kunci sandi", "Approve with your passkey"},
		{"js.elevate", "Kuasa di luar meja", "Powers beyond the desk"},
		{"js.widen", "Lebih dari 50 orang", "More than 50 people"},
		{"js.export", "Ekspor besar", "Bulk export"},
		{"js.trace", "Penelusuran kebocoran", "Trace of a leak"},
		{"js.erase", "Penghapusan rekam medis", "Erasure of somebody's records"},
		{"js.by", "Diminta oleh", "Asked by"},
		{"js.host", "perintah pada mesin", "a command on the machine"},
		{"js.until", "berlaku sampai", "good until"},
		{"js.approvals", "disetujui oleh", "approved by"},
		{"js.granted", "diberikan sampai", "granted until"},
		{"js.number", "Nomor", "Number"},
		{"js.confirm", "Terima", "Enrol"},
		{"js.print", "Sidik jari yang dibacakan kepada Anda", "Fingerprint as it was read to you"},
		{"js.end", "Akhiri", "End"},
		{"js.registered", "menunggu diterima", "waits to be enrolled"},
		{"js.enrolled", "terdaftar", "enrolled"},
		{"js.ended", "berakhir", "ended"},
		{"js.needhost", "Ditandatangani. Jalankan `amanah staff confirm` pada mesin pemegang kunci dalam lima menit.", "Signed. Run `amanah staff confirm` on the keeper's machine within five minutes."},
		{"js.needsecond", "Ditandatangani. Petugas kantor lain harus menerima yang sama dalam satu hari.", "Signed. Another officer has to sign the same within a day."},
		{"js.enrol", "Penerimaan yang ditandatangani", "A signed enrolment"},
		{"js.code", "Kode undangan, satu kali dan satu hari", "Code of the invitation, good once and for a day"},
	}
}
