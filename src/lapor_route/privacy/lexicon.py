"""Lists of words: names of persons, and words that are none."""

from __future__ import annotations

GIVEN = frozenset(
    """
    abdul abdullah abdurrahman abidin achmad adam ade adelia adhi adi aditya adnan adrian afandi afif afifah agnes
    agung agus agustina agustinus ahmad ainun aisyah aji akbar akhmad alamsyah albert albertus aldi aldo alex
    alexander alfian alfiansyah alfonsus ali alif alim alvin alya amalia aman amanda amelia amin aminah amir
    amiruddin ana anak ananda anang anastasia andi andika andre andreas andri andriani andrianto andy angelina
    angga anggi anggraini ani anisa anissa anita anjar anna annisa anton antonius anwar apolonia apriani aprilia
    arie arief arif arifin aris ariyanto arman arsyad arya asep asih asmara asri astri astrid astuti atik atmaja
    aulia ayu ayub azhar azis aziz azizah azmi azwar badrun bagas bagus bahar bahri bambang baskoro basri basuki
    bayu bayuaji benny bernadeta bernadus bima bonar bonifasius boy budi budiman budiono bustami butet cahyo
    cahyono cecep chairul chandra christian christina cici citra dadan dadang dani daniel danu darma darmaji
    darmawan darmi darsono daud david debora dede deden dedi dedy dendi deni denny desi desy devi dewa dewi dian
    diana didi didik dimas dina dinda dini dion dirman dita djoko dodi dominikus doni donny dorkas dwi edi edy
    efendi effendi eka eko eli elisabeth ella elly elsa emanuel emi endah endang endra erik erlina ernawati erni
    erwin ester esti evi fadhil fadil fadli fahmi fahri faisal faizal fajar farah farhan farid farida fatimah
    fatma fauzan fauzi fauziah febri ferdi ferdinand ferdinandus ferry fika fiki firman firmansyah fitra fitri
    fitriani fransisca fransiska fransiskus gabriel galih galuh gatot gede gilang gita gunadi gunawan guntur gusti
    habib habibah hadi hafiz hairul hakim halim halimah hamdan hamid hamzah hana handayani handoko hani hanif
    hanna hardi hari hariadi hariyanto hartati hartini hartono harun haryanto haryono hasan hasanah hasanuddin
    hasim hasnah hasyim helena helmi hendra hendri hendrik hendro henny henry herdi heri heriyanto herlina herman
    hermawan hermin herry heru hesti hidayat hilda hotman husein husin husna ibnu ibrahim ida idris ignatius ihsan
    ika ikhsan ilham ilyas imam imas imron ina indah indra indri indriani intan ipung iqbal irawan irfan irma
    irwan isa ishak iskandar ismail iswanto ita iwan jaelani jafar jaka jamal jamaludin jamilah januar jatmiko
    jefri jeni jenny jessica johan johannes jojo joko jonathan joni jono jopie josef joseph juliana julianto
    jumadi jumiati juminten jumirah junaedi junaidi jusuf kadek kamal kamaruddin karina karmila karno karsono
    kartika kartini karto karyadi kasim kasiman kasman katarina kevin khadijah khairul khairunnisa khoirul kholid
    kiki komang komar komariah kristian kristina kurnia kurniati kurniawan kusnadi kusno kusuma laila laksmi lalu
    lasiman lasmi latifah legiman leni leo lestari lia liana lidya lilik lilis lina linda lisa listi luh lukas
    lukman lusi lusia lutfi luthfi made mahmud maman manto manurung mardi mardiyah margaretha maria mariana maridi
    marlina marni marsel marselinus marsono martha marthen martin martinus marto maruli maryam maryati maryono
    masitah maulana maulida mawar maximus maya mbok mega melani meliana melkianus melky meri merry mince mira
    mirna misbah misnan moch mochamad moh mohamad mohammad muchlis mugiono muh muhamad muhammad mujiono mujiyem
    mukhlis mukti mulyadi mulyana mulyani mulyono munir mursid muslim mustafa mustakim mustiadi mustofa nabila
    nada nadia nafisah nana nanang nanda nani naomi narto naufal neneng nengah neni ngadimin ngatini ngatiyem
    ngatman ni niko nina nining nita nofal nova novi novia noviana novita nugraha nugroho nunung nur nuraini
    nurdin nurhadi nurhasanah nurhayati nurjanah nurul nuryati nyoman obet oktavia oktaviani oktovianus oman oscar
    paijo paiman pandu pardi pariyem parjo parlin parman parmin parti partini paryono patricia paulus petrus
    poltak ponijan poniman ponirah prabowo prasetya prasetyo prasojo pratama pratiwi priyanto puji pujiono purnama
    purnomo purwanto puspita putra putri putu rachman rachmat raden radit raditya rafi rafli rahayu rahma rahman
    rahmat rahmawati rama ramadhan ramadhani ramdani ramli randi rani rara ratih ratmi ratna ratnasari ratno
    raymond rejo reni reno resti reza rian riana rianti ricky rida ridho ridwan rika riki rina rini rio riska
    riski risma rismawati rita riyanto rizal rizki rizky rizqi robby robert roberto robi rohani rohim rohman
    rohmat romlah roni rony rosa rosdiana rosi rosida rosita rosmini roy rudi rudy rukmini rusdi ruslan rusli
    rusman rusmini rustam ruth saidah saidi saiful salamah salim salma salmah salman salsabila samini samiyem
    samsudin samsul samuel sandi sandra sanjaya santi santoso sanusi sapto saputra sarah sardi sari sarifah
    sarinah sariyem sarman sarmin sarno sartika sarwo satria satrio selamet senen septian septiani setiadi
    setiawan setiawati setyawan setyo shinta sholeh sigit simson sinta siska siswanto siswoyo siti slamet sodikin
    sofia sofyan soleh solihin solikah solikin sonny sopiah sopian sri stefani stefanus stephanus stevan subagio
    subagyo subandi subur sudarmaji sudarman sudarno sudarsono sudiro sudrajat suganda sugeng sugiarto sugiono
    sugiyono suhardi suharti suharto suhartono suhendar suhendra suherman sujarwo sukarman sukarni sukarno sukiman
    sukinem sukirman sulaiman sulasmi sulastri sulistyo sulistyowati sumarni sumarno sumarsono sumiati sumini
    sunardi sunarti sunarto sunaryo supardi suparjo suparman suparmi suparno suprapto supri supriadi supriyadi
    supriyanto supriyono surahman surti surya suryadi suryana suryani suryanto susanti susanto susi susilawati
    susilo sutarno sutikno sutinah sutini sutrisno suwandi suwardi suwarni suwarno suwarti suwito suyanto suyatno
    suyono syafri syafrizal syafruddin syahrul syaiful syamsudin syamsul syarif syarifah syarifuddin syukur tarjo
    tarmizi tarno tasya tatang taufik taufiq teddy tedi tegar teguh theresia thomas tia tigor tika tina tini titi
    titik titin tjahjono togar tohir toni tono tony topan tri triyono tugiman tukiman tukinah tumini tumiyem tuti
    tutik ucok udin ujang ulfa umar umi usman utami utomo vera verawati veronika vicky viktor vina vincent vita
    vivi wagiman wagimin wahid wahidin wahyono wahyu wahyudi wahyuni wakidi wakijan waluyo warno warsito warsono
    wati wawan wayan welan wibisono wibowo wicaksono widi widia widodo widya wijaya wijayanti wildan wiwik wiwin
    wulan wulandari yadi yakobus yana yance yani yanti yanto yanuar yati yayan yayat yayuk yeni yenni yoga yogi
    yohana yohanes yongki yosef yosefina yosep yoseph yuda yudha yudhi yudi yuli yulia yuliana yulianti yulianto
    yulius yuni yuniarti yunita yunus yusril yusron yustinus yusuf yuyun zaenal zahra zainab zainal zaini
    zainuddin zainul zakaria zaki zakiyah zidan zubaidah zulaikha zulfikar zulkarnain zulkifli
    """.split()
)
"""Usual first names. A number of them are usual words, too: a capital or a cue has to tell."""

FAMILY = frozenset(
    """
    alatas alhabsyi anggraeni anjani apriyanto ardiansyah assegaf ayorbaba bafadal baraja barus batubara bele bupu
    caniago chaniago costa da dacosta daeng damanik daulay dehen fernandez ginting girsang gulo gunarto halim
    harahap hartanto hasibuan hayon hidayatullah hutabarat hutagalung hutapea hutomo kambu karaeng karo kaunang
    kesuma kleden kogoya kolo koto kusumastuti kusumawati laoli latuconsina latuheru leimena lim lubis lumentut
    maharani mamesah manalu mandacan mandagi marpaung marpuah matondang matulessy murib mustika nahak nainggolan
    napitupulu nasution nuraeni oktavian ola pamungkas pangemanan pangestu panjaitan pasaribu pattiasina pattinama
    perangin-angin peranginangin perdana permata pertiwi piliang pohan pradana prakoso pranata prayitno prayoga
    purba ramadan rangkuti ritonga rondonuwu rumagit rumbewas rumbiak safitri sahetapy saputri saragih sasongko
    sebayang sembiring seran shihab siahaan siahainenia sihombing sikumbang silalahi simanjuntak simbolon sinaga
    siregar sitompul sitorus situmorang sopacua subekti sudibyo supit tabuni tambunan tampubolon tan tanjung
    tanuwijaya tarigan telaumbanua tuhumury tuilan tukan tumewu utama wanggai wardana wardani wardhana wattimena
    wenda widiastuti widjaja wonda wowor yikwa yoku yuliawati zebua zega
    """.split()
)
"""Usual family names and second names."""


AMBIGUOUS = frozenset(
    """
    adi agung akbar ali aman amin anak asri bagus bahar bahri bele budi bunga citra damai darma desi dewa dian
    didik dini galih guntur hadi hakim hari ika imam indah intan isa ita jaka karo kartika koto kurnia lalu
    lestari lim luh mawar maya mega mukti mulia muslim mustika nada ni nova novi nur ola pandu perdana permata
    pertiwi puji purnama putra putri rama rara rejo sari satria selamet senen subur surya syukur tan tanjung tari
    tegar teguh tia tika titi titik tri umar umi utama utami wahid wati wulan yani
    """.split()
)
"""Usual names that are words or places as well."""


OFFICES = frozenset(
    """
    admin anggota aparat apoteker babinsa bapak bendahara bhabinkamtibmas bidan bupati camat dandim danramil dekan
    dewan direktur dirjen dirut dokter dosen dpd dpr dprd dukuh gub gubernur guru hajah haji hakim hansip ibu imam
    inspektur irjen jaksa jenderal jogoboyo juru kabag kabid kabinet kades kadis kadus kajari kanit kapolda
    kapolres kapolri kapolsek kapten kasat kasi kepala kepsek kernet ketua keuchik kiai kolonel komandan kondektur
    kurir kuwu kyai linmas lurah manager manajer mantri masinis mayor menag mendagri mendikbud menhub menkes
    menkeu menko mensos menteri mentri modin negara oknum ombudsman operator panglima pedagang pegawai pejabat
    pemilik pendeta penghulu pengurus pengusaha penjaga penjual perawat petugas pilot pimpinan pj plh plt polantas
    polisi presiden rektor romo rt rw satpam security sekda sekdes sekretaris sopir staf supir suster teknisi
    tentara tetangga tim tni ustad ustadz wabup wagub wakil wali walikota wamen wapres
    """.split()
)
LOW_OFFICES = frozenset(
    """
    bidan camat dokter dosen dukuh guru hajah haji hansip kades kadus kepala kepsek ketua keuchik kuwu kyai lurah
    mantri pedagang pemilik penjual perawat petugas polisi rt rw satpam sopir supir suster tetangga ustad ustadz
    """.split()
)
"""Offices of which the holder is a private person for a complaint's readers."""

PUBLIC = frozenset(
    """
    abdurrahmanwahid ahok ahy airlangga airlanggahartarto anies aniesbaswedan bahlil bahlillahadalia
    basukitjahajapurnama bobby bobbynasution boediono budigunadi budigunadisadikin bungkarno dedimulyadi
    erickthohir ganjar ganjarpranowo gibran gibranrakabuming gibranrakabumingraka gusdur habibie hanifdhakiri
    hatta ignasiusjonan jokowi jokowidodo jonan jusufkalla kangdedi kdm khofifah listyosigit listyosigitprabowo
    luhut maruf marufamin megawati megawatisoekarnoputri muhadjir muhadjireffendy nadiem nadiemmakarim prabowo
    prabowosubianto pramono pramonoanung purbaya ridwankamil risma sandiagauno sby soeharto soekarno sofyandjalil
    srimulyani srimulyaniindrawati sultan susilobambangyudhoyono titokarnavian trirismaharini
    """.split()
)
"""Holders of national and well-known offices, squeezed."""

HEADS = frozenset(
    """
    akademi alun apartemen apotek apotik asrama aula ayam bakso bandar bandara bangsal bank bebek bendung
    bendungan blok bukit cv danau depot desa ds dukuh dusun gang gedung gelanggang gelora gereja gg goa gor gua
    gunung hotel hutan institut jalan jaln jembatan jl jln kab kabupaten kali kampung kampus kapal kawasan kec
    kecamatan kedai kel kelurahan klinik km kmp kodim komplek kompleks koperasi kota kp kri lanud lapangan lapas
    lorong madrasah makam mall man masjid mesjid mi monumen mts museum mushola musholla palace pangkalan pantai
    pasar patung paud pavilion paviliun pelabuhan perempatan perpustakaan pertigaan perum perumahan pesantren
    plaza pln po politeknik poltek pondok ponpes prov provinsi pt pulau pura puskesmas pustu resto restoran rm rs
    rsi rsia rsu rsud rsup ruang ruas rusun rusunawa rutan sate sd sdit sdn sekolah simpang situ sma
    sman smk smkn smp smpit smpn soto stadion stasiun stikes sungai tahura taman terminal tk toko tol tpu tugu ud
    univ universitas vihara waduk warung yayasan
    """.split()
)
"""Words before a name that make it the name of a place or an institution."""

HOUSES = frozenset(
    """
    adat aman baca bersalin dinas duka ibadah jabatan makan pintar pompa potong produksi sakit singgah subsidi susun
    tahanan tahfidz
    """.split()
)
"""What makes a "rumah" an institution: "rumah sakit"."""

NAMED = frozenset(
    """
    akademi aula bandara bendungan cv gang gedung gelanggang gelora gereja gg gor institut jalan jaln jembatan jl
    jln klinik kri langgar lanud lapangan lorong madrasah makam man masjid mesjid monumen mts museum musala mushola
    musholla patung paud pelabuhan perpustakaan pesantren politeknik poltek ponpes pt pura puskesmas rs rsi rsia rsu
    rsud rsup sd sdit sdn sekolah sma sman smk smkn smp smpit smpn stadion stasiun stikes surau tahura taman
    terminal tk tpu tugu ud univ universitas vihara waduk yayasan
    """.split()
)
"""Those that are named after persons with their title: "Jalan Haji Nawi"; a "toko Pak Joko" is just his."""

QUALIFIERS = frozenset(
    """
    agung atas besar daerah dasar internasional islam jami jiwa katolik kejuruan kristen menengah nasional negeri
    pertama raya swasta terpadu umum
    """.split()
)
"""What stands between such a word and the name: "masjid agung", "rumah sakit umum daerah"."""

STOP = (
    frozenset(
        """
    a abang ada adalah agama agar agustus air akan aku akun alamat alasan aliansi allah alumni aman anak anaknya
    anda antara apa apakah api apotek apotik april arah arisan asal asli asn aspal atas atasnama atau awal ayah
    bagaimana bagian bahwa baik bak balik balita bandara bangsa banjir bank bantu bantuan banyak bapa bapak
    bapaknya baru basah batas batu bawa bawah bawaslu bayar bayi bca beda begal begini begitu beli belum benar
    bencana bensin berapa beras berat berbeda beres bersama bersangkutan berubah besar besok beton bhabin biar
    biasa biaya bibi bila bilang bisa bkn blm blok blt bni boleh bor bos bpjs bpjstk bpk bpkb bpn bpnt bri bsi bsk
    btn bu buat buka bukan bulan buruh cabang cabup cabut cagub caleg capres cara cawapres cek cepat coba covid
    cpns cuma cv daerah daftar dalam dan dana dapat dari data datang dekat demi demokrasi dengan depan desa
    desember dgn di dia diatas dibawah diblokir dicatat dicatut dicuri difabel diganti dihapus dikirim dimana
    dimasukkan dimohon dinas dinkes dinsos dipakai dirawat diri disalahgunakan disdik disdukcapil dishub ditipu
    ditolak diy dki dlm doang dobel dong dosen double dr drainase ds dsn dua duda duit dukcapil dulu dusun ecer
    edan eh ejaan elpiji emang ember enak engga enggak entah erick esok facebook februari forum foto ga gagal gaji
    gak gakin galian gang ganti gas gedung gempa genteng gereja gg gimana gini gojek google got grab gratis guna
    gunung guru gw habis haji hakim hal hamil hanya harap harga hari harus hidup hilang hingga hormat hormati
    hotel hp hrs hub hukum hutan ia ibu ibunya ijazah ijin ikatan ikut ilang indihome indonesia indosat info ingin
    ini instagram instansi investasi isi istri itu iuran iya izin jabar jabatan jadi jaga jalan jalur jam janda
    jangan januari jaringan jatah jateng jatim jauh jd jelas jelek jembatan jernih jg jika jkn jl jln jual judi
    juga jujur juli jumat juni kab kabar kabel kabupaten kader kai kakak kakek kaki kalau kalbar kali kalo kalsel
    kaltim kamar kami kamis kampus kamu kan kandung kantor kapan karena karna karpet kartu karyawan kasih kasur
    kasus kata kaunit kawan kayak kayu ke keadilan kebakaran kebanjiran kec kecamatan kecelakaan kecil kedua
    kekerasan kel kelahiran kelas kelompok keluarga kelurahan kemanusiaan kemarin kemenag kemenhub kemenkes
    kemensos kementerian kemerdekaan kena kenapa kepada kepala kepolisian kerja kertas ketiga ketika kini kip
    kirim kis kita kk klinik klo kls km ko kodim kok komunitas kondisi koperasi koran korban kos kosong kost kota
    kpd kpu krn ktp ku kua kurang kursi kwh lagi lain lalu lama lampu lancar langsung lansia lapangan lapas lapor
    laporan latin layak lazada lebih lembaga lengkap lewat lg lgsg lihat limbah listrik lokasi longsor luar luas
    lupa maaf mah mahasiswa maka makan makasih malah malam mampu man mana mandiri maret masa masalah masih masjid
    masuk masyarakat masyarkat mati mau mba mbak media mei meja melalui memang mendapat mengapa meninggal menuju
    merasa mereka mesin meski meteran milik min minggu minta miskin mobil mohon motor mts muda mudah muncul
    mungkin murah murid nah naik nakal nama namun nanti narkoba nasabah negara negeri nelayan nenek netizen nihil
    nik no nol nomor november npwp ntb ntt nya nyata objek ogah oh ojk oktober oleh om ongkos orang orangtua org
    organisasi p3k pabrik pada padahal pagi paguyuban paham pajak pak pakai pakar paket paku paling palsu paman
    panggilan panitia pantai pantas para parah parkir pas pasar pasaran pasien pasir paslon paspor pasti paud pdam
    pedagang pegawai pejuang pekan pelabuhan pelajar pelaku pelanggan pelapor pelatih pelayanan pelecehan pembeli
    pembina pemda pemerintah pemerkosaan pemilik pemkab pemkot pemohon pemprov pemukim penasehat pencabulan
    pendamping pendatang penerima pengawas pengguna penghuni pengungsi pengurus pengusaha penipuan pensiun
    pensiunan penting penumpang penyanyi penyewa penyuluh per perampokan perantau perbaikan perlu pernah persatuan
    pertamina perum perumahan perumda perumnas perusahaan perusda peserta petani phk pihak pindah pinjol pintu
    pinus pipa pkh plat plis pln pns pohon polda polisi polres polresta polri polsek polwan pompa ponpes pos
    posyandu pp ppdb ppg pppk preman pribadi prof proses prov provinsi proyek pt pulau pun pungli punya pusat
    puskesmas putus rabu rakyat ramai rapi rapor raya rb relawan republik resah resmi ribu rp rs rsud rsup rt rtrw
    rugi rumah rusak rutan rw saat sabtu sah saja sakit salah salam saluran sama sampah sampai samping samsat
    sandiaga sangat satgas satpol satu saudara saya sd sdh sdn sdr sebab sebagai sebelum sehat sejak sekali
    sekarang sekian sekolah selaku selalu selama selamat selang selasa selepas selokan semen semoga semua senator
    sendiri senin sepeda seperti september sering serta sesuai setelah setiap sgt shopee siang siap siapa sim sini
    sinyal siswa siswi situ sktm sma sman smk smkn smp smpn sms soal solusi sore spbu stadion stasiun stnk stok
    suami suara sudah suka sulit sulsel sulut sumbar sumsel sumut sungai supaya supporter surat susah sy tabrak
    tabrakan tadi tagihan tahun tak takut taman tanah tanggal tanggap tanpa tante tanya tapi tarif tau tdk teh
    telah telkom telkomsel teman tempat tentang tercantum terdaftar terdata terima terimakasih terkait terlantar
    terminal ternyata tersebut tertanda tertera terus tetap tetapi tgl tiang tiap tiba tidak tidur tiga tiket
    tiktok timses tinggal tinggi tk tlg tlp tni toko tokoh tokopedia tolong tower tp tpa tps trotoar trs trus tsb
    tsunami ttd tua tugas tuhan tukang tunggu turun tutup twitter uang ud udah ujian umrah umroh umum umur undang
    universitas untuk upah urus urusan usaha usia usul utk veteran via wa wafat wakil waktu wali warga warganet
    warung wasalam wassalam wassalamu wassalamualaikum wb whatsapp wib wiraswasta wit wita wkwk wr x ya yaitu
    yakni yang yg youtube yth yuk ipar kembar sepupu
    """.split()
    )
    | OFFICES
)
"""Words that are no part of a name, unless they are written as one and known as one."""
