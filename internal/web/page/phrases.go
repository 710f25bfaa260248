package page

// phrase is one text of the pages in both languages.
type phrase struct{ key, id, en string }

// phrases returns every text of the pages; {partner} is the partner's name.
func phrases() []phrase {
	return []phrase{
		{"name", "Amanah", "Amanah"},
		{"other", "English", "Bahasa Indonesia"},
		{"skip", "Langsung ke isi", "Skip to content"},
		{"error.prefix", "Kesalahan", "Error"},
		{"error.title", "Tidak dapat dilanjutkan", "This cannot go on"},
		{"error.head", "Ada yang perlu diperbaiki", "Something needs mending"},
		{"next", "Lanjut", "Continue"},
		{"refuse", "Batal, jangan tautkan", "Cancel, do not link"},
		{"app", "{partner} meminta tautan.", "{partner} asks to be linked."},

		{"who.title", "Siapa Anda?", "Who are you?"},
		{"who.nik", "NIK", "NIK"},
		{"who.hint", "16 angka pada KTP Anda. NIK saja tidak membuktikan siapa Anda: kode akan dikirim ke nomor yang terikat.", "The 16 digits on your identity card. A NIK alone proves nothing: a code is sent to the number bound to it."},

		{"code.title", "Masukkan kode", "Enter the code"},
		{"code.sent", "Bila NIK itu terdaftar dan punya satu nomor yang terikat, kode 6 angka sedang dikirim ke nomor tersebut. Halaman ini sama untuk setiap NIK.", "If that NIK is registered and has a number bound to it, a code of 6 digits is on its way to that number. This page is the same for every NIK."},
		{"code.code", "Kode", "Code"},
		{"code.hint", "Berlaku sepuluh menit, satu kali.", "Good for ten minutes, once."},
		{"code.warn", "Jangan beri tahu kode kepada siapa pun, petugas juga tidak.", "Tell the code to nobody, not even staff."},
		{"code.again", "Tidak ada kode? Ketik NIK lagi", "No code? Type the NIK again"},
		{"code.help", "Bila nomor Anda sudah tidak dipakai atau dipakai orang lain juga, datanglah ke fasilitas kesehatan dengan KTP.", "If your number is no longer yours, or somebody else's too, come to a health facility with your identity card."},

		{"person.title", "Siapa yang ditautkan?", "Who is to be linked?"},
		{"person.legend", "Pilih satu orang", "Choose one person"},
		{"person.self", "saya sendiri", "myself"},
		{"person.child", "anak dalam perwalian saya, sampai", "a child I am guardian of, until"},
		{"person.more", "Untuk beberapa orang pada satu ponsel, buat satu tautan untuk masing-masing.", "For several people on one phone, make a link for each."},
		{"person.mask", "Nama hanya ditampilkan huruf depannya.", "Of names only the first letters are shown."},

		{"consent.title", "Setujui tautan", "Consent to the link"},
		{"consent.who", "Yang ditautkan", "Who is linked"},
		{"consent.with", "Dengan", "With"},
		{"consent.until", "Berakhir sendiri pada", "Ends by itself on"},
		{"consent.guardian", "Anda menyetujui sebagai wali.", "You consent as guardian."},
		{"consent.end", "Anda dapat memutus tautan ini kapan saja dari perangkat mana pun yang tertaut.", "You can remove this link at any time, from any linked device."},
		{"consent.terms", "Ketentuan perjanjian", "Terms of the agreement"},
		{"consent.yes", "Saya setuju, tautkan", "I consent, link"},
		{"consent.other", "Pilih orang lain", "Choose somebody else"},

		{"phone.title", "Nomor telepon Anda", "Your telephone number"},
		{"phone.what", "Di sini Anda melihat nomor yang membuktikan siapa Anda, meminta nomor baru, atau membatalkan nomor baru yang tidak Anda minta.", "Here you see the number that proves who you are, ask for a new one, or cancel one that you did not ask for."},
		{"phone.begin", "Mulai", "Begin"},
		{"phone.bound", "Nomor yang terikat sekarang", "Number bound now"},
		{"phone.waits", "Nomor baru yang menunggu", "New number that waits"},
		{"phone.ripe", "menggantikan pada", "takes over on"},
		{"phone.cancel", "Batalkan nomor baru", "Cancel the new number"},
		{"phone.new", "Nomor baru", "New number"},
		{"phone.hint", "Menunggu 72 jam. Nomor lama diberi tahu sekarang dan dapat membatalkan. Nomor yang juga terdaftar untuk orang lain tidak akan menggantikan.", "It waits 72 hours. The old number is told now and can cancel. A number that is registered for somebody else too will not take over."},
		{"phone.again", "Nomor baru, sekali lagi", "New number, once more"},
		{"records.title", "Rekam medis Anda", "Your health records"},
		{"records.what", "Anda dapat membawa semua rekam medis Anda: FHIR dan berkas, dalam satu arsip yang disegel untuk kunci Anda. Setiap pengambilan dicatat.", "You may take all of your health records along: FHIR and files, in one archive sealed to your key. Each taking is recorded."},
		{"records.to", "Kunci publik age Anda", "Your age public key"},
		{"records.hint", "Dimulai dengan age1. Buat dengan age-keygen pada komputer Anda; tanpa kunci rahasianya tidak seorang pun dapat membuka arsip itu.", "It begins with age1. Make it with age-keygen on your own computer; without its secret key nobody opens the archive."},
		{"records.take", "Unduh arsip tersegel", "Download the sealed archive"},
		{"phone.ask", "Minta nomor baru", "Ask for the new number"},
	}
}
