"""What the model can say in each language. The slots are filled by `text.py`: `{name}`, `{city}`, `{company}`, `{number}`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language: Faker's locale for its names, what stands between two sentences, and the sentences. A language without
    sentences speaks in those of Faker's word list."""

    locale: str
    sentences: tuple[str, ...] = ()
    between: str = " "


NAMES = (
    "Ada Marsh", "Ben Okafor", "Clara Jensen", "David Kim", "Elena Petrova", "Farah Aziz", "George Miller", "Hannah Lee",
    "Ivan Novak", "Julia Santos", "Kofi Mensah", "Laura Rossi", "Mark Evans", "Nina Hoffmann", "Omar Haddad", "Priya Sharma",
)  # fmt: skip
CITIES = (
    "Lisbon", "Osaka", "Toronto", "Nairobi", "Hamburg", "Austin", "Melbourne", "Warsaw",
    "Bogotá", "Dublin", "Hanoi", "Seattle", "Oslo", "Valencia", "Bangkok", "Leeds",
)  # fmt: skip
COMPANIES = (
    "Northwind Systems", "Bluefield Labs", "Harbor & Sons", "Quillworks", "Evergreen Freight", "Lumen Robotics", "Stonebridge Health",
    "Papertrail", "Kestrel Energy", "Fieldnote Media", "Atlas Grocers", "Copperline Telecom",
)  # fmt: skip
"""English speaks from these: the first answer of a fresh server must not wait for Faker, whose import takes about 0.1 s."""

LANGUAGES = {
    "en": Language(
        "en_US",
        (
            "Here is a short overview of what matters most.",
            "The simplest approach is to start small and measure before changing anything else.",
            "{name}, who leads the team at {company}, tried this in {city} with good results.",
            "In practice about {number} percent of the effort goes into the first week.",
            "It helps to write down the goal first, because every later decision depends on it.",
            "If you need more detail, I can walk through each step with an example.",
            "A team in {city} reported that the change took {number} days from start to finish.",
            "Keep in mind that results vary with the size of the project.",
            "First, collect the requirements; then compare them with what you already have.",
            "{company} published a similar case, and its numbers point in the same direction.",
            "There are two common mistakes here: skipping the tests and guessing at the cause.",
            "Once that works, the remaining {number} items are mostly routine.",
            "The trade-off is clear: you gain speed now and pay with a little maintenance later.",
            "According to {name}, the hardest part was agreeing on the names.",
            "You can check the outcome by comparing the figures before and after.",
            "None of this requires special tools, only a bit of patience.",
            "A good rule of thumb is to review the plan every {number} days.",
            "The second option is slower, but it is easier to explain to new colleagues.",
            "When in doubt, prefer the version that is easier to undo.",
            "For most people in {city}, that would be enough.",
            "As a next step, try it on a single example and see what you learn.",
            "Some details are still open, so treat this as a starting point.",
        ),
    ),
    "vi": Language(
        "vi_VN",
        (
            "Dưới đây là phần tóm tắt ngắn gọn về những điểm quan trọng nhất.",
            "Cách đơn giản nhất là bắt đầu từ một việc nhỏ rồi đo lường kết quả.",
            "Anh chị {name} ở {city} đã thử cách này và thấy khá hiệu quả.",
            "Thông thường khoảng {number} phần trăm công sức nằm ở tuần đầu tiên.",
            "Trước tiên, bạn nên ghi lại mục tiêu vì mọi quyết định sau đó đều phụ thuộc vào nó.",
            "Theo {company}, thời gian triển khai trung bình là {number} ngày.",
            "Nếu bạn cần thêm chi tiết, tôi có thể giải thích từng bước kèm ví dụ.",
            "Hãy lưu ý rằng kết quả có thể khác nhau tùy theo quy mô của dự án.",
            "Bước tiếp theo là thử với một trường hợp cụ thể và rút kinh nghiệm.",
            "Bạn không cần công cụ đặc biệt nào, chỉ cần một chút kiên nhẫn.",
        ),
    ),
    "th": Language(
        "th_TH",
        (
            "ต่อไปนี้คือสรุปสั้น ๆ ของประเด็นที่สำคัญที่สุด",
            "วิธีที่ง่ายที่สุดคือเริ่มจากสิ่งเล็ก ๆ แล้ววัดผล",
            "คุณ{name}จาก{city}เคยลองวิธีนี้แล้วได้ผลดี",
            "โดยปกติประมาณ {number} เปอร์เซ็นต์ของงานจะอยู่ในสัปดาห์แรก",
            "ควรเขียนเป้าหมายไว้ก่อน เพราะการตัดสินใจทุกอย่างขึ้นอยู่กับสิ่งนี้",
            "ตามข้อมูลของ {company} ใช้เวลาเฉลี่ย {number} วัน",
            "หากต้องการรายละเอียดเพิ่มเติม เราสามารถอธิบายทีละขั้นตอนได้",
            "ผลลัพธ์อาจแตกต่างกันไปตามขนาดของโครงการ",
            "ขั้นตอนต่อไปคือทดลองกับตัวอย่างหนึ่งแล้วดูผล",
        ),
    ),
    "zh": Language(
        "zh_CN",
        (
            "下面是最重要内容的简要概述。",
            "最简单的办法是先从小处着手，然后衡量效果。",
            "来自{city}的{name}试过这种方法，效果不错。",
            "通常大约百分之{number}的工作集中在第一周。",
            "请先写下目标，因为之后的每个决定都取决于它。",
            "根据{company}的经验，平均需要{number}天。",
            "如果需要更多细节，我可以举例逐步说明。",
            "请注意，结果会因项目规模而有所不同。",
            "下一步可以先用一个例子试试看。",
            "整个过程不需要特殊的工具，只需要一点耐心。",
        ),
        between="",
    ),
    "ja": Language(
        "ja_JP",
        (
            "最も重要な点を簡単にまとめます。",
            "一番簡単な方法は、小さく始めて結果を測ることです。",
            "{city}の{name}さんはこの方法を試し、良い結果を得ました。",
            "通常、作業の約{number}パーセントは最初の週に集中します。",
            "まず目標を書き出してください。その後の判断はすべてそれに左右されます。",
            "{company}の例では、平均して{number}日かかりました。",
            "詳しい説明が必要であれば、例を挙げて順番に説明します。",
            "結果はプロジェクトの規模によって異なります。",
            "次の段階として、一つの例で試してみましょう。",
        ),
        between="",
    ),
    "ko": Language(
        "ko_KR",
        (
            "가장 중요한 내용을 간단히 정리하겠습니다.",
            "가장 쉬운 방법은 작게 시작해서 결과를 측정하는 것입니다.",
            "{city}의 {name} 씨가 이 방법을 시도해 좋은 결과를 얻었습니다.",
            "보통 작업의 약 {number}퍼센트가 첫 주에 이루어집니다.",
            "먼저 목표를 적어 두세요. 이후의 모든 결정이 여기에 달려 있습니다.",
            "{company}의 경우 평균 {number}일이 걸렸습니다.",
            "더 자세한 내용이 필요하면 예를 들어 단계별로 설명해 드리겠습니다.",
            "결과는 프로젝트 규모에 따라 달라질 수 있습니다.",
            "다음 단계로 한 가지 예를 직접 시험해 보세요.",
        ),
    ),
    "ru": Language(
        "ru_RU",
        (
            "Вот краткий обзор самого важного.",
            "Проще всего начать с малого и измерить результат.",
            "В компании {company} этот подход уже опробовали, и он хорошо себя показал.",
            "Обычно около {number} процентов работы приходится на первую неделю.",
            "Сначала запишите цель, потому что от неё зависят все дальнейшие решения.",
            "По словам специалиста ({name}), на это ушло дней: {number}.",
            "Если нужны подробности, я могу объяснить каждый шаг на примере.",
            "Учтите, что результат зависит от размера проекта.",
            "Следующий шаг — попробовать на одном примере и сделать выводы.",
        ),
    ),
    "uk": Language(
        "uk_UA",
        (
            "Ось короткий огляд найважливішого.",
            "Найпростіше почати з малого і виміряти результат.",
            "У компанії {company} цей підхід уже випробували, і він добре себе показав.",
            "Зазвичай близько {number} відсотків роботи припадає на перший тиждень.",
            "Спочатку запишіть мету, бо від неї залежать усі подальші рішення.",
            "Якщо потрібні подробиці, я можу пояснити кожен крок на прикладі.",
            "Зважте, що результат залежить від розміру проєкту.",
            "Наступний крок — спробувати на одному прикладі й зробити висновки.",
        ),
    ),
    "ar": Language(
        "ar_AA",
        (
            "فيما يلي ملخص قصير لأهم النقاط.",
            "أبسط طريقة هي البدء بخطوة صغيرة ثم قياس النتيجة.",
            "جرّب {name} هذه الطريقة وكانت النتائج جيدة.",
            "عادةً ما يقع نحو {number} بالمئة من العمل في الأسبوع الأول.",
            "اكتب الهدف أولاً لأن كل القرارات اللاحقة تعتمد عليه.",
            "إذا كنت بحاجة إلى مزيد من التفاصيل، يمكنني شرح كل خطوة بمثال.",
            "تذكّر أن النتائج تختلف باختلاف حجم المشروع.",
            "الخطوة التالية هي التجربة على مثال واحد ثم مراجعة النتيجة.",
        ),
    ),
    "fa": Language(
        "fa_IR",
        (
            "در ادامه خلاصه‌ای کوتاه از مهم‌ترین نکته‌ها آمده است.",
            "ساده‌ترین راه این است که از کار کوچکی شروع کنید و نتیجه را بسنجید.",
            "{name} این روش را امتحان کرد و نتیجهٔ خوبی گرفت.",
            "معمولاً حدود {number} درصد کار در هفتهٔ اول انجام می‌شود.",
            "ابتدا هدف را بنویسید، چون همهٔ تصمیم‌های بعدی به آن وابسته است.",
            "اگر به جزئیات بیشتری نیاز دارید، می‌توانم هر مرحله را با مثال توضیح دهم.",
            "گام بعدی این است که روی یک نمونه امتحان کنید.",
        ),
    ),
    "he": Language(
        "he_IL",
        (
            "הנה סקירה קצרה של הדברים החשובים ביותר.",
            "הדרך הפשוטה ביותר היא להתחיל בקטן ולמדוד את התוצאה.",
            "בחברת {company} כבר ניסו את הגישה הזאת והתוצאות היו טובות.",
            "בדרך כלל כ-{number} אחוזים מהעבודה נעשים בשבוע הראשון.",
            "כדאי לרשום קודם את המטרה, כי כל ההחלטות הבאות תלויות בה.",
            "אם דרושים פרטים נוספים, אפשר לעבור על כל שלב עם דוגמה.",
            "השלב הבא הוא לנסות על דוגמה אחת וללמוד ממנה.",
        ),
    ),
    "el": Language(
        "el_GR",
        (
            "Ακολουθεί μια σύντομη περίληψη των πιο σημαντικών σημείων.",
            "Ο απλούστερος τρόπος είναι να ξεκινήσετε με κάτι μικρό και να μετρήσετε το αποτέλεσμα.",
            "Μια ομάδα από την περιοχή {city} το δοκίμασε με καλά αποτελέσματα.",
            "Συνήθως περίπου το {number} τοις εκατό της δουλειάς γίνεται την πρώτη εβδομάδα.",
            "Γράψτε πρώτα τον στόχο, γιατί από αυτόν εξαρτώνται όλες οι επόμενες αποφάσεις.",
            "Αν χρειάζεστε περισσότερες λεπτομέρειες, μπορώ να εξηγήσω κάθε βήμα με ένα παράδειγμα.",
            "Το επόμενο βήμα είναι μια δοκιμή σε ένα μόνο παράδειγμα.",
        ),
    ),
    "hi": Language(
        "hi_IN",
        (
            "नीचे सबसे ज़रूरी बातों का संक्षिप्त सार दिया गया है।",
            "सबसे आसान तरीका है छोटे काम से शुरू करना और फिर परिणाम को मापना।",
            "{city} में {name} ने यह तरीका आज़माया और परिणाम अच्छे रहे।",
            "आम तौर पर लगभग {number} प्रतिशत काम पहले सप्ताह में होता है।",
            "पहले लक्ष्य लिख लें, क्योंकि आगे के सभी निर्णय उसी पर निर्भर करते हैं।",
            "अधिक जानकारी चाहिए तो मैं हर चरण उदाहरण के साथ समझा सकता हूँ।",
        ),
    ),
    "de": Language(
        "de_DE",
        (
            "Hier ist ein kurzer Überblick über die wichtigsten Punkte.",
            "Am einfachsten ist es, klein anzufangen und das Ergebnis zu messen.",
            "{name} von {company} hat das in {city} mit gutem Erfolg ausprobiert.",
            "Meist fallen etwa {number} Prozent der Arbeit in die erste Woche.",
            "Schreiben Sie zuerst das Ziel auf, denn davon hängen alle weiteren Entscheidungen ab.",
            "Wenn Sie mehr Einzelheiten brauchen, erkläre ich gern jeden Schritt an einem Beispiel.",
            "Bedenken Sie, dass die Ergebnisse von der Größe des Projekts abhängen.",
            "Im nächsten Schritt lohnt sich ein Versuch mit einem einzelnen Beispiel.",
            "Die zweite Möglichkeit ist langsamer, lässt sich aber leichter erklären.",
        ),
    ),
    "fr": Language(
        "fr_FR",
        (
            "Voici un bref aperçu des points les plus importants.",
            "Le plus simple est de commencer petit et de mesurer le résultat.",
            "Chez {company}, à {city}, cette méthode a donné de bons résultats.",
            "En général, environ {number} pour cent du travail se fait la première semaine.",
            "Notez d'abord l'objectif, car toutes les décisions suivantes en dépendent.",
            "Si vous voulez plus de détails, je peux expliquer chaque étape avec un exemple.",
            "Gardez à l'esprit que les résultats varient selon la taille du projet.",
            "La prochaine étape consiste à essayer sur un seul exemple.",
            "Selon {name}, le plus difficile était de se mettre d'accord sur les noms.",
        ),
    ),
    "es": Language(
        "es_ES",
        (
            "Aquí tienes un breve resumen de lo más importante.",
            "Lo más sencillo es empezar con algo pequeño y medir el resultado.",
            "En {company}, con sede en {city}, este método dio buenos resultados.",
            "Normalmente cerca del {number} por ciento del trabajo se hace en la primera semana.",
            "Primero anota el objetivo, porque de él dependen todas las decisiones posteriores.",
            "Si necesitas más detalles, puedo explicar cada paso con un ejemplo.",
            "Ten en cuenta que los resultados varían según el tamaño del proyecto.",
            "El siguiente paso es probarlo con un solo ejemplo.",
            "Según {name}, lo más difícil fue ponerse de acuerdo en los nombres.",
        ),
    ),
    "pt": Language(
        "pt_BR",
        (
            "Aqui está um breve resumo dos pontos mais importantes.",
            "O mais simples é começar com algo pequeno e medir o resultado.",
            "Na {company}, em {city}, esse método deu bons resultados.",
            "Normalmente cerca de {number} por cento do trabalho acontece na primeira semana.",
            "Primeiro anote o objetivo, porque todas as decisões seguintes dependem dele.",
            "Se precisar de mais detalhes, posso explicar cada passo com um exemplo.",
            "Lembre-se de que os resultados variam conforme o tamanho do projeto.",
            "O próximo passo é testar com um único exemplo.",
            "Segundo {name}, a parte mais difícil foi chegar a um acordo sobre os nomes.",
        ),
    ),
    "it": Language(
        "it_IT",
        (
            "Ecco una breve panoramica dei punti più importanti.",
            "La cosa più semplice è partire in piccolo e misurare il risultato.",
            "{name} ha provato questo metodo a {city} con buoni risultati.",
            "Di solito circa il {number} per cento del lavoro si svolge nella prima settimana.",
            "Prima scrivi l'obiettivo, perché da esso dipendono tutte le decisioni successive.",
            "Se servono altri dettagli, posso spiegare ogni passo con un esempio.",
            "Tieni presente che i risultati variano in base alle dimensioni del progetto.",
            "Il prossimo passo è provare con un solo esempio.",
        ),
    ),
    "nl": Language(
        "nl_NL",
        (
            "Hier is een kort overzicht van de belangrijkste punten.",
            "Het eenvoudigst is om klein te beginnen en het resultaat te meten.",
            "{name} van {company} heeft dit in {city} met succes geprobeerd.",
            "Meestal zit ongeveer {number} procent van het werk in de eerste week.",
            "Schrijf eerst het doel op, want daar hangen alle volgende beslissingen van af.",
            "Als je meer details wilt, kan ik elke stap met een voorbeeld uitleggen.",
            "Houd er rekening mee dat de resultaten per project verschillen.",
            "De volgende stap is een proef met één voorbeeld.",
        ),
    ),
    "pl": Language(
        "pl_PL",
        (
            "Oto krótki przegląd najważniejszych punktów.",
            "Najprościej jest zacząć od małego kroku i zmierzyć wynik.",
            "W firmie {company} wypróbowano to z dobrym skutkiem.",
            "Zwykle około {number} procent pracy przypada na pierwszy tydzień.",
            "Najpierw zapisz cel, bo od niego zależą wszystkie kolejne decyzje.",
            "Jeśli potrzebujesz szczegółów, mogę wyjaśnić każdy krok na przykładzie.",
            "Pamiętaj, że wyniki zależą od wielkości projektu.",
            "Następnym krokiem jest próba na jednym przykładzie.",
        ),
    ),
    "tr": Language(
        "tr_TR",
        (
            "İşte en önemli noktaların kısa bir özeti.",
            "En kolay yol küçük bir adımla başlamak ve sonucu ölçmektir.",
            "{company} bu yöntemi denedi ve iyi sonuçlar aldı.",
            "Genellikle işin yaklaşık yüzde {number} kadarı ilk haftada yapılır.",
            "Önce hedefi yazın, çünkü sonraki bütün kararlar ona bağlıdır.",
            "Daha fazla ayrıntı isterseniz her adımı bir örnekle açıklayabilirim.",
            "Sonuçların projenin büyüklüğüne göre değiştiğini unutmayın.",
            "Sıradaki adım bunu tek bir örnek üzerinde denemektir.",
        ),
    ),
    "cs": Language(
        "cs_CZ",
        (
            "Tady je krátký přehled toho nejdůležitějšího.",
            "Nejjednodušší je začít s málem a změřit výsledek.",
            "Ve firmě {company} to vyzkoušeli s dobrým výsledkem.",
            "Obvykle asi {number} procent práce připadá na první týden.",
            "Nejdřív si zapište cíl, protože na něm závisí všechna další rozhodnutí.",
            "Pokud potřebujete více podrobností, mohu vysvětlit každý krok na příkladu.",
            "Dalším krokem je zkusit to na jediném příkladu.",
        ),
    ),
    "id": Language(
        "id_ID",
        (
            "Berikut ringkasan singkat dari hal-hal yang paling penting.",
            "Cara paling mudah adalah mulai dari yang kecil lalu mengukur hasilnya.",
            "{name} dari {city} sudah mencoba cara ini dan hasilnya baik.",
            "Biasanya sekitar {number} persen pekerjaan terjadi pada minggu pertama.",
            "Tuliskan dulu tujuannya, karena semua keputusan berikutnya bergantung padanya.",
            "Jika perlu lebih banyak detail, saya bisa menjelaskan setiap langkah dengan contoh.",
            "Langkah berikutnya adalah mencobanya pada satu contoh.",
        ),
    ),
    "sv": Language(
        "sv_SE",
        (
            "Här är en kort översikt över det viktigaste.",
            "Det enklaste är att börja i liten skala och mäta resultatet.",
            "{name} på {company} har provat detta i {city} med gott resultat.",
            "Vanligtvis görs omkring {number} procent av arbetet under den första veckan.",
            "Skriv ner målet först, eftersom alla senare beslut beror på det.",
            "Om du vill ha mer detaljer kan jag förklara varje steg med ett exempel.",
            "Nästa steg är att prova med ett enda exempel.",
        ),
    ),
    "bn": Language("bn_BD"),
    "hy": Language("hy_AM"),
    "da": Language("da_DK"),
}
