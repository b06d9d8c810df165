import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TimeZone;
import java.util.stream.Collectors;
import org.javarosa.core.model.Constants;
import org.javarosa.core.model.CoreModelModule;
import org.javarosa.core.model.FormDef;
import org.javarosa.core.model.FormIndex;
import org.javarosa.core.model.GroupDef;
import org.javarosa.core.model.IFormElement;
import org.javarosa.core.model.RangeQuestion;
import org.javarosa.core.model.SelectChoice;
import org.javarosa.core.model.ValidateOutcome;
import org.javarosa.core.model.condition.EvaluationContext;
import org.javarosa.core.model.condition.IFunctionHandler;
import org.javarosa.core.model.data.AnswerDataFactory;
import org.javarosa.core.model.data.BooleanData;
import org.javarosa.core.model.data.DateData;
import org.javarosa.core.model.data.DateTimeData;
import org.javarosa.core.model.data.IAnswerData;
import org.javarosa.core.model.data.MultipleItemsData;
import org.javarosa.core.model.data.SelectOneData;
import org.javarosa.core.model.data.StringData;
import org.javarosa.core.model.data.UncastData;
import org.javarosa.core.model.data.helper.Selection;
import org.javarosa.core.model.instance.CsvExternalInstance;
import org.javarosa.core.model.instance.InstanceInitializationFactory;
import org.javarosa.core.model.instance.TreeElement;
import org.javarosa.core.model.instance.TreeReference;
import org.javarosa.core.model.utils.DateUtils;
import org.javarosa.core.model.utils.IPreloadHandler;
import org.javarosa.core.services.PrototypeManager;
import org.javarosa.core.util.JavaRosaCoreModule;
import org.javarosa.core.util.externalizable.ExtUtil;
import org.javarosa.core.reference.PrefixedRootFactory;
import org.javarosa.core.reference.Reference;
import org.javarosa.core.reference.ReferenceManager;
import org.javarosa.form.api.FormEntryController;
import org.javarosa.form.api.FormEntryModel;
import org.javarosa.form.api.FormEntryPrompt;
import org.javarosa.model.xform.XFormSerializingVisitor;
import org.javarosa.model.xform.XFormsModule;
import org.javarosa.xform.parse.XFormParser;
import org.javarosa.xform.util.XFormUtils;
import org.javarosa.xpath.expr.XPathFuncExpr;

/**
 * Answers forms at random, seeded, in JavaRosa, and writes down what happened: golden interviews.
 *
 * Usage: {@code java -cp ODK_Validate.jar Driver.java JOBS.json}. A job names an XForm, its folder of attached
 * files, candidate values by question, and seeds; a line of JSON comes out for each seed. See README.md beside
 * this folder for the vocabulary. With {@code "time": true} it measures instead: microseconds per answer.
 *
 * What is asked next is always the first relevant question that has not been settled, looked for from the
 * beginning of the form after every answer. That is Collect's way forward, and also says where a person goes
 * after an earlier answer was changed.
 */
public class Driver {
    static final ObjectMapper JSON = new ObjectMapper();
    static final int EVENTS = 600;
    static final int[] COUNTS = {0, 1, 1, 2, 2, 3};

    public static void main(String[] arguments) throws Exception {
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        TimeZone zone = TimeZone.getTimeZone("Asia/Ho_Chi_Minh");
        TimeZone.setDefault(zone);
        org.joda.time.DateTimeZone.setDefault(org.joda.time.DateTimeZone.forTimeZone(zone));
        new XFormsModule().registerModule();
        PrototypeManager.registerPrototypes(JavaRosaCoreModule.classNames);
        PrototypeManager.registerPrototypes(CoreModelModule.classNames);
        for (JsonNode job : JSON.readTree(new File(arguments[0]))) {
            for (JsonNode seed : job.get("seeds")) {
                ObjectNode line = JSON.createObjectNode();
                line.put("form", job.get("form").asText());
                line.put("seed", seed.asInt());
                try {
                    new Driver(job, seed.asInt(), line).run();
                } catch (Throwable problem) {
                    String text = problem.getClass().getSimpleName() + ": " + problem.getMessage();
                    line.put("error", text.substring(0, Math.min(600, text.length())));
                    StackTraceElement[] trace = problem.getStackTrace();
                    line.put("where", trace.length > 0 ? trace[0].toString() : "");
                }
                out.println(JSON.writeValueAsString(line));
            }
        }
        System.exit(0);
    }

    // ── one interview ──────────────────────────────────────────────────────────────────────────────────────

    final JsonNode job;
    final Random random;
    final ObjectNode line;
    final ArrayNode events;
    FormDef form;
    FormEntryModel model;
    FormEntryController controller;
    final Set<String> repeats = new HashSet<>();
    final List<GroupDef> counted = new ArrayList<>();
    final Map<String, String> settled = new HashMap<>();
    final Set<String> shown = new HashSet<>();
    final Set<String> closed = new HashSet<>();
    final Set<String> lost = new HashSet<>();
    String until;
    final Set<String> adopted = new LinkedHashSet<>();
    final List<Double> times = new ArrayList<>();
    final List<Double> anew = new ArrayList<>();
    byte[] cached;
    boolean timing;

    Driver(JsonNode job, int seed, ObjectNode line) {
        this.job = job;
        this.random = new Random(seed * 7919L + 17);
        this.line = line;
        this.events = JSON.createArrayNode();
        this.timing = job.path("time").asBoolean(false);
    }

    void run() throws Exception {
        open();
        String language = null;
        String[] languages = model.getLanguages();
        if (languages != null && languages.length > 1 && !timing) {
            language = languages[random.nextInt(languages.length)];
            controller.setLanguage(language);
        }
        if (language != null) {
            line.put("language", language);
        }
        line.put("now", job.get("now").asText());
        line.set("events", events);
        boolean stuck = walk();
        int edits = stuck || timing || until != null ? 0 : random.nextInt(job.path("edits").asInt(4) + 1);
        for (int i = 0; i < edits && !stuck && until == null; i++) {
            stuck = random.nextInt(4) == 0 ? remove() : change();
        }
        trim();
        if (!adopted.isEmpty()) {
            line.set("adopted", JSON.valueToTree(adopted));
        }
        if (stuck) {
            line.put("stuck", true);
        } else if (!timing && until == null) {
            ValidateOutcome outcome = form.validate();
            line.put("submit", outcome == null ? "ok" : outcome(outcome.outcome));
            if (outcome != null) {
                line.put("submit_ref", name(outcome.failedPrompt.getReference()));
            }
        }
        if (until != null) {
            // Here the ways part for good: nothing to compare after that.
            line.remove("stuck");
            line.put("until", until);
        } else {
            collect(form.getMainInstance().getRoot(), line.putObject("values"));
        }
        if (timing) {
            line.remove("events");
            line.remove("values");
            int tenth = Math.max(1, times.size() / 10);
            line.put("first_us", median(times.subList(0, tenth)));
            line.put("last_us", median(times.subList(times.size() - tenth, times.size())));
            Collections.sort(times);
            line.put("answers", times.size());
            line.put("median_us", median(times));
            line.put("mean_us", times.stream().mapToDouble(time -> time).average().orElse(0));
            line.put("p99_us", times.get((int) (times.size() * 0.99)));
            line.put("anew_us", anew.isEmpty() ? 0 : median(anew));
        }
    }

    static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }

    void open() throws Exception {
        Path media = Path.of(job.path("media").asText("."));
        ReferenceManager files = ReferenceManager.instance();
        files.reset();
        files.addReferenceFactory(new PrefixedRootFactory(
                new String[] {"file-csv", "images", "audio", "video", "file"}) {
            protected Reference factory(String terminal, String uri) {
                return new Attached(media.resolve(terminal.replaceFirst("^/", "")), uri);
            }
        });
        String text = Files.readString(Path.of(job.get("xform").asText()));
        form = XFormUtils.getFormFromInputStream(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        if (timing) {
            cached = ExtUtil.serialize(form);
        }
        handlers();
        form.initialize(true, new InstanceInitializationFactory());
        model = new FormEntryModel(form);
        controller = new FormEntryController(model);
        find(form);
        JsonNode given = job.path("set");
        for (var field : (Iterable<Map.Entry<String, JsonNode>>) given::fields) {
            TreeReference ref = reference(field.getKey());
            TreeElement node = form.getMainInstance().resolveReference(ref);
            form.setValue(AnswerDataFactory.templateByDataType(node.getDataType())
                    .cast(new UncastData(field.getValue().asText())), ref, true);
        }
    }

    void handlers() throws Exception {
        IAnswerData now = new DateTimeData(DateUtils.parseDateTime(job.get("now").asText()));
        IAnswerData today = new DateData(DateUtils.parseDate(job.get("now").asText().substring(0, 10)));
        form.getPreloader().addPreloadHandler(preload("timestamp", now));
        form.getPreloader().addPreloadHandler(preload("date", today));
        form.getPreloader().addPreloadHandler(preload("property", null));
        form.getEvaluationContext().addFunctionHandler(new PullData());
    }

    /**
     * A turn of an interview that is not at hand: the form read from its cache and the answers from what was
     * saved, as Collect does; then the answer and the next question. Finding the place is not measured.
     */
    void anew(byte[] saved, TreeReference at, String value) {
        try {
            measureAnew(saved, at, value);
        } catch (Exception problem) {
            throw new IllegalStateException(problem);
        }
    }

    byte[] saved() {
        try {
            return new XFormSerializingVisitor().serializeInstance(form.getMainInstance());
        } catch (IOException problem) {
            throw new IllegalStateException(problem);
        }
    }

    void measureAnew(byte[] saved, TreeReference at, String value) throws Exception {
        FormDef kept = form;
        FormEntryModel keptModel = model;
        FormEntryController keptController = controller;
        for (int i = 0; i < 5; i++) {
            long begun = System.nanoTime();
            form = new FormDef();
            form.readExternal(new DataInputStream(new ByteArrayInputStream(cached)), ExtUtil.defaultPrototypes());
            handlers();
            TreeElement root = XFormParser.restoreDataModel(saved, null).getRoot();
            TreeElement filled = form.getMainInstance().getRoot().deepCopy(true);
            root.setMult(0);
            filled.populate(root, form);
            form.getMainInstance().setRoot(filled);
            form.initialize(false, new InstanceInitializationFactory());
            model = new FormEntryModel(form);
            controller = new FormEntryController(model);
            double restored = System.nanoTime() - begun;
            while (controller.stepToNextEvent() != FormEntryController.EVENT_END_OF_FORM
                    && !at.equals(model.getFormIndex().getReference())) {
            }
            FormIndex index = model.getFormIndex();
            IAnswerData data = data(model.getQuestionPrompt(), value);
            begun = System.nanoTime();
            if (controller.answerQuestion(index, data, true) == FormEntryController.ANSWER_OK) {
                next();
                anew.add((restored + System.nanoTime() - begun) / 1000.0);
            }
        }
        form = kept;
        model = keptModel;
        controller = keptController;
    }

    /** What an application does after an answer: go on and read the next prompt. */
    void next() {
        if (controller.stepToNextEvent() == FormEntryController.EVENT_QUESTION) {
            FormEntryPrompt next = model.getQuestionPrompt();
            next.getQuestionText();
            next.isRequired();
            if (isSelect(next)) {
                for (SelectChoice choice : next.getSelectChoices()) {
                    next.getSelectChoiceText(choice);
                }
            }
        }
    }

    void find(IFormElement element) {
        if (element.getChildren() == null) {
            return;
        }
        for (IFormElement child : element.getChildren()) {
            if (child instanceof GroupDef && ((GroupDef) child).getRepeat()) {
                repeats.add(template((TreeReference) child.getBind().getReference()));
                if (((GroupDef) child).getCountReference() != null) {
                    counted.add((GroupDef) child);
                }
            }
            find(child);
        }
    }

    /** Goes on until nothing is open; true when a required question could not be answered. */
    boolean walk() {
        while (events.size() < EVENTS) {
            controller.jumpToIndex(FormIndex.createBeginningOfFormIndex());
            if (!advance()) {
                return false;
            }
            // JavaRosa stands at something open now.
            int event = model.getEvent();
            if (event == FormEntryController.EVENT_PROMPT_NEW_REPEAT) {
                another();
            } else if (!answer(false)) {
                return true;
            }
            reopen();
        }
        return true;
    }

    /** Steps to the first thing that waits for a person; false at the end. */
    boolean advance() {
        while (true) {
            int event = controller.stepToNextEvent();
            FormIndex index = model.getFormIndex();
            switch (event) {
                case FormEntryController.EVENT_END_OF_FORM:
                    return false;
                case FormEntryController.EVENT_GROUP:
                case FormEntryController.EVENT_REPEAT:
                    if (event == FormEntryController.EVENT_REPEAT && countIsGone(index)) {
                        until = "count-not-relevant";
                        return false;
                    }
                    if (beyond(index)) {
                        takeOut(index);
                        controller.jumpToIndex(FormIndex.createBeginningOfFormIndex());
                        break;
                    }
                    String ref = name(index.getReference());
                    if (shown.add(ref)) {
                        ObjectNode group = events.addObject();
                        group.put("event", "group");
                        group.put("ref", ref);
                        put(group, "label", model.getCaptionPrompt().getQuestionText());
                    }
                    break;
                case FormEntryController.EVENT_PROMPT_NEW_REPEAT:
                    if (countOf(index) == null && !closed.contains(repeat(index.getReference()))) {
                        return true;
                    }
                    break;
                case FormEntryController.EVENT_QUESTION:
                    String before = value(index);
                    FormEntryPrompt prompt = model.getQuestionPrompt();
                    String question = name(index.getReference());
                    if (prompt.isReadOnly() || "label".equals(prompt.getAppearanceHint())) {
                        // Collect shows no more than the labels of a select that looks like a label.
                        if (shown.add(question)) {
                            describe(prompt, question, "read_only");
                        }
                        break;
                    }
                    if (isSelect(prompt)) {
                        boolean none = prompt.getSelectChoices().isEmpty();
                        if (!before.equals(value(index))) {
                            // Asking for the choices has taken away what is no longer among them, silently.
                            TreeReference node = index.getReference();
                            form.setValue(form.getMainInstance().resolveReference(node).getValue(), node, true);
                            settled.remove(question);
                        }
                        if (none) {
                            if (shown.add(question)) {
                                describe(prompt, question, "no_choices");
                            }
                            adopted.add("nothing-to-choose");
                            break;
                        }
                    }
                    if (!settled.containsKey(question)) {
                        return true;
                    }
                    break;
                default:
                    break;
            }
        }
    }

    void another() {
        FormIndex index = model.getFormIndex();
        String ref = repeat(index.getReference());
        int there = index.getReference().getMultLast();
        boolean add = !timing && there < 4 && events.size() < EVENTS / 2 && random.nextInt(there + 1) == 0
                || timing && there < job.path("members").asInt(1);
        ObjectNode event = events.addObject();
        event.put("event", "add_another");
        event.put("ref", ref);
        event.put("add", add);
        long begun = System.nanoTime();
        if (add) {
            controller.newRepeat();
        } else {
            closed.add(ref);
        }
        times.add((System.nanoTime() - begun) / 1000.0);
    }

    /** Answers the question JavaRosa stands at; false if it can't be answered and has to be. */
    boolean answer(boolean again) {
        FormIndex index = model.getFormIndex();
        FormEntryPrompt prompt = model.getQuestionPrompt();
        String ref = name(index.getReference());
        if (lost.contains(ref)) {
            until = "count-beyond";
            return false;
        }
        ObjectNode event = describe(prompt, ref, again ? "change" : "question");
        ArrayNode attempts = event.putArray("attempts");
        boolean required = prompt.isRequired();
        List<String> tries = new ArrayList<>();
        if (again ? random.nextInt(8) == 0 : required ? random.nextInt(4) == 0 : random.nextInt(5) == 0) {
            tries.add("");
        }
        if (timing) {
            tries.clear();
        } else if (random.nextInt(3) == 0) {
            tries.add(wild(prompt, index));
        }
        List<String> fitting = fitting(prompt, index);
        for (int i = 0; i < 14; i++) {
            tries.add(fitting.get(i < fitting.size() ? i : random.nextInt(fitting.size())));
        }
        if (!required) {
            tries.add("");
        }
        Set<String> said = new HashSet<>();
        String last = null;
        for (String value : tries) {
            if (value == null || value.equals(last)) {
                continue;
            }
            last = value;
            IAnswerData data;
            try {
                data = data(prompt, value);
            } catch (RuntimeException unreadable) {
                continue;
            }
            byte[] saved = timing && times.size() == job.path("half").path(job.get("form").asText()).asInt(-1)
                    ? saved() : null;
            long begun = System.nanoTime();
            int outcome = controller.answerQuestion(index, data, true);
            if (outcome == FormEntryController.ANSWER_OK) {
                if (timing) {
                    next();
                    times.add((System.nanoTime() - begun) / 1000.0);
                    controller.jumpToIndex(index);
                    if (saved != null) {
                        anew(saved, index.getReference(), value);
                    }
                }
                attempts.addArray().add(value).add("ok");
                settled.put(ref, value(index));
                return true;
            }
            ArrayNode attempt = attempts.addArray().add(value).add(outcome(outcome));
            if (outcome == FormEntryController.ANSWER_CONSTRAINT_VIOLATED) {
                String message = model.getQuestionPrompt(index).getConstraintText(data);
                if (message != null && said.add(message)) {
                    attempt.add(message);
                }
            }
        }
        return false;
    }

    /** Changes the answer to one question asked before; true when the interview can't go on. */
    boolean change() {
        List<String> asked = settled.keySet().stream().sorted().collect(Collectors.toList());
        Collections.shuffle(asked, random);
        for (String ref : asked) {
            FormIndex index = index(ref);
            if (index == null || !model.isIndexRelevant(index)) {
                continue;
            }
            if (job.path("counts").has(template(index.getReference())) && !value(index).isEmpty()) {
                continue; // lowered and raised again, the engines differ: see count-beyond
            }
            FormEntryPrompt prompt = model.getQuestionPrompt(index);
            if (prompt.isReadOnly() || "label".equals(prompt.getAppearanceHint())
                    || isSelect(prompt) && prompt.getSelectChoices().isEmpty()) {
                continue;
            }
            controller.jumpToIndex(index);
            if (!answer(true)) {
                ((ObjectNode) events.get(events.size() - 1)).put("given_up", true);
            }
            reopen();
            return walk();
        }
        return false;
    }

    /** Takes one instance out of a repeat without a count. */
    boolean remove() {
        List<FormIndex> found = new ArrayList<>();
        FormIndex index = model.incrementIndex(FormIndex.createBeginningOfFormIndex());
        for (; !index.isEndOfFormIndex(); index = model.incrementIndex(index)) {
            if (model.getEvent(index) == FormEntryController.EVENT_REPEAT && countOf(index) == null
                    && model.isIndexRelevant(index)) {
                found.add(index);
            }
        }
        if (found.isEmpty()) {
            return change();
        }
        FormIndex chosen = found.get(random.nextInt(found.size()));
        String ref = name(chosen.getReference());
        ObjectNode event = events.addObject();
        event.put("event", "remove");
        event.put("ref", ref);
        controller.jumpToIndex(chosen);
        controller.deleteRepeat(chosen);
        shift(ref);
        reopen();
        return walk();
    }

    /** Moves everything known about the instances after the one at {@code ref} up by one. */
    void shift(String ref) {
        String stem = ref.substring(0, ref.lastIndexOf('['));
        int gone = Integer.parseInt(ref.substring(ref.lastIndexOf('[') + 1, ref.length() - 1));
        Map<String, String> kept = new HashMap<>();
        settled.forEach((key, value) -> {
            String moved = moved(key, stem, gone);
            if (moved != null) {
                kept.put(moved, value);
            }
        });
        settled.clear();
        settled.putAll(kept);
        for (Set<String> set : List.of(shown, closed)) {
            Set<String> rest = new HashSet<>();
            for (String key : set) {
                String moved = moved(key, stem, gone);
                if (moved != null) {
                    rest.add(moved);
                }
            }
            set.clear();
            set.addAll(rest);
        }
        boolean left = form.getMainInstance().resolveReference(reference(stem + "[1]")) != null;
        if (!left) {
            closed.remove(stem);
        }
    }

    static String moved(String key, String stem, int gone) {
        if (!key.startsWith(stem + "[")) {
            return key;
        }
        int end = key.indexOf(']', stem.length());
        int number = Integer.parseInt(key.substring(stem.length() + 1, end));
        return number < gone ? key : number == gone ? null : stem + "[" + (number - 1) + key.substring(end);
    }

    /** An answer that something else has overwritten since waits for a person again. */
    void reopen() {
        for (String ref : new ArrayList<>(settled.keySet())) {
            TreeElement node = form.getMainInstance().resolveReference(reference(ref));
            if (node != null && node.isRelevant() && !value(node.getValue()).equals(settled.get(ref))) {
                settled.remove(ref);
            }
        }
    }

    /** Whether this is an instance that a count does not allow (rule count-beyond). */
    boolean beyond(FormIndex index) {
        if (model.getEvent(index) != FormEntryController.EVENT_REPEAT) {
            return false;
        }
        String count = countOf(index);
        if (count == null) {
            return false;
        }
        int wanted = count.isEmpty() ? 0 : (int) Math.floor(Double.parseDouble(count));
        return index.getReference().getMultLast() >= Math.max(0, wanted);
    }

    /** Whether the number is there, but not relevant: JavaRosa reads it all the same. */
    boolean countIsGone(FormIndex index) {
        IFormElement element = form.getChild(index);
        if (!(element instanceof GroupDef) || ((GroupDef) element).getCountReference() == null) {
            return false;
        }
        TreeElement node = form.getMainInstance().resolveReference(
                ((GroupDef) element).getConextualizedCountReference(index.getReference()));
        return node != null && !node.isRelevant() && node.getValue() != null;
    }

    void takeOut(FormIndex index) {
        String ref = name(index.getReference());
        settled.keySet().stream().filter(key -> key.startsWith(ref + "/")).forEach(lost::add);
        controller.jumpToIndex(index);
        controller.deleteRepeat(index);
        shift(ref);
        adopted.add("count-beyond");
    }

    /** Takes out what has not been passed since its count was lowered. */
    void trim() {
        boolean again = true;
        while (again) {
            again = false;
            FormIndex index = model.incrementIndex(FormIndex.createBeginningOfFormIndex());
            for (; !index.isEndOfFormIndex() && !again; index = model.incrementIndex(index)) {
                if (beyond(index)) {
                    takeOut(index);
                    again = true;
                }
            }
        }
    }

    /** The value that says how many instances a repeat has; null when a person says it. */
    String countOf(FormIndex index) {
        IFormElement element = form.getChild(index);
        if (!(element instanceof GroupDef) || ((GroupDef) element).getCountReference() == null) {
            return null;
        }
        TreeReference ref = ((GroupDef) element).getConextualizedCountReference(index.getReference());
        TreeElement node = form.getMainInstance().resolveReference(ref);
        return node == null ? "" : value(node.getValue());
    }

    // ── values ─────────────────────────────────────────────────────────────────────────────────────────────

    static boolean isSelect(FormEntryPrompt prompt) {
        int control = prompt.getControlType();
        return control == Constants.CONTROL_SELECT_ONE || control == Constants.CONTROL_SELECT_MULTI
                || control == Constants.CONTROL_RANK;
    }

    static final String[] NAMES = {"Nguyễn Văn An", "Trần Thị Bé", "Lê Hoàng", "Phạm Minh Đức", "abc", "Bà Tư",
        "Y Moan Êban", "John O'Hara", "x", "123", "Hà Nội"};

    /** Values that a sensible person could give, in random order; never empty. */
    List<String> fitting(FormEntryPrompt prompt, FormIndex index) {
        List<String> found = new ArrayList<>();
        String template = template(index.getReference());
        if (isSelect(prompt)) {
            List<String> names = prompt.getSelectChoices().stream().map(SelectChoice::getValue)
                    .collect(Collectors.toList());
            for (int i = 0; i < 8; i++) {
                found.add(chosen(prompt.getControlType(), names));
            }
            return found;
        }
        JsonNode candidates = job.path("candidates").path(template);
        for (JsonNode candidate : candidates) {
            found.add(candidate.asText());
        }
        if (job.path("counts").has(template)) {
            found.clear();
            for (int i = 0; i < 6; i++) {
                found.add(String.valueOf(timing ? job.path("members").asInt(1) : COUNTS[random.nextInt(COUNTS.length)]));
            }
            return found;
        }
        Collections.shuffle(found, random);
        List<String> typed = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            typed.add(typical(prompt));
        }
        if (found.isEmpty() || prompt.getControlType() == Constants.CONTROL_RANGE) {
            return typed;
        }
        // Both, what its constraint suggests first more often than not.
        List<String> both = new ArrayList<>();
        for (int i = 0; i < Math.max(found.size(), typed.size()); i++) {
            if (i < found.size()) {
                both.add(found.get(i));
            }
            if (i < typed.size()) {
                both.add(typed.get(i));
            }
        }
        if (random.nextInt(3) == 0) {
            Collections.shuffle(both, random);
        }
        return both;
    }

    String chosen(int control, List<String> offered) {
        // Not by place: an order of chance is another each time.
        List<String> names = offered.stream().sorted().collect(Collectors.toList());
        if (control == Constants.CONTROL_SELECT_ONE) {
            return names.get(random.nextInt(names.size()));
        }
        List<String> some = new ArrayList<>(names);
        if (control == Constants.CONTROL_RANK) {
            Collections.shuffle(some, random);
        } else {
            double share = random.nextDouble();
            some.removeIf(name -> random.nextDouble() > share);
            if (some.isEmpty()) {
                some.add(names.get(random.nextInt(names.size())));
            }
        }
        if (control == Constants.CONTROL_SELECT_MULTI) {
            some.sort(Comparator.comparingInt(offered::indexOf));
        }
        return String.join(" ", some);
    }

    String typical(FormEntryPrompt prompt) {
        if (prompt.getControlType() == Constants.CONTROL_RANGE) {
            RangeQuestion range = (RangeQuestion) prompt.getQuestion();
            int steps = range.getRangeEnd().subtract(range.getRangeStart()).abs()
                    .divideToIntegralValue(range.getRangeStep().abs()).intValue();
            var step = range.getRangeStep().abs().multiply(java.math.BigDecimal.valueOf(random.nextInt(steps + 1)));
            return range.getRangeStart().min(range.getRangeEnd()).add(step).stripTrailingZeros().toPlainString();
        }
        if (prompt.getControlType() == Constants.CONTROL_TRIGGER) {
            return "OK";
        }
        switch (prompt.getDataType()) {
            case Constants.DATATYPE_INTEGER:
            case Constants.DATATYPE_LONG:
                int[] numbers = {0, 1, 2, 3, 5, 7, 12, 15, 18, 24, 33, 47, 60, 64, 71, 120};
                return String.valueOf(numbers[random.nextInt(numbers.length)]);
            case Constants.DATATYPE_DECIMAL:
                return String.valueOf(random.nextInt(1200) / 8.0).replaceFirst("\\.0$", "");
            case Constants.DATATYPE_DATE:
                return day();
            case Constants.DATATYPE_TIME:
                return String.format("%02d:%02d:00.000+07:00", random.nextInt(24), random.nextInt(60));
            case Constants.DATATYPE_DATE_TIME:
                return (1990 + random.nextInt(37)) + day().substring(4) + String.format("T%02d:%02d:00.000+07:00", random.nextInt(24), random.nextInt(60));
            case Constants.DATATYPE_GEOPOINT:
                return (8 + random.nextInt(1500) / 100.0) + " " + (102 + random.nextInt(700) / 100.0) + " 0.0 0.0";
            case Constants.DATATYPE_BINARY:
                return "anh.jpg";
            default:
                return NAMES[random.nextInt(NAMES.length)];
        }
    }

    String day() {
        int year = random.nextInt(3) == 0 ? 2024 + random.nextInt(3) : 1940 + random.nextInt(85);
        return String.format("%04d-%02d-%02d", year, 1 + random.nextInt(12), 1 + random.nextInt(28));
    }

    /** A value of the right type that may well be refused. */
    String wild(FormEntryPrompt prompt, FormIndex index) {
        if (isSelect(prompt) || prompt.getControlType() == Constants.CONTROL_RANGE
                || prompt.getControlType() == Constants.CONTROL_TRIGGER
                || job.path("counts").has(template(index.getReference()))) {
            return null;
        }
        switch (prompt.getDataType()) {
            case Constants.DATATYPE_INTEGER:
                return new String[] {"-1", "999", "200", "-40", "100000"}[random.nextInt(5)];
            case Constants.DATATYPE_DECIMAL:
                return new String[] {"-1", "999.5", "0", "-0.25", "100000"}[random.nextInt(5)];
            case Constants.DATATYPE_DATE:
                return new String[] {"1800-01-01", "2199-12-31", "2025-02-28"}[random.nextInt(3)];
            case Constants.DATATYPE_TEXT:
                return new String[] {"?", "00", "Đây là một câu trả lời dài hơn thường lệ", "ABC 1"}[random.nextInt(4)];
            default:
                return null;
        }
    }

    IAnswerData data(FormEntryPrompt prompt, String value) {
        if (value.isEmpty()) {
            return null;
        }
        if (isSelect(prompt)) {
            Map<String, Selection> offered = new LinkedHashMap<>();
            for (SelectChoice choice : prompt.getSelectChoices()) {
                offered.putIfAbsent(choice.getValue(), choice.selection());
            }
            if (prompt.getControlType() == Constants.CONTROL_SELECT_ONE) {
                return new SelectOneData(offered.get(value));
            }
            List<Selection> some = new ArrayList<>();
            for (String name : value.split(" ")) {
                some.add(offered.get(name));
            }
            return new MultipleItemsData(some);
        }
        if (prompt.getControlType() == Constants.CONTROL_TRIGGER || prompt.getDataType() == Constants.DATATYPE_BINARY) {
            return new StringData(value);
        }
        return AnswerDataFactory.templateByDataType(prompt.getDataType()).cast(new UncastData(value));
    }

    static String value(IAnswerData data) {
        if (data == null) {
            return "";
        }
        if (data instanceof BooleanData) {
            return (Boolean) data.getValue() ? "true" : "false";
        }
        String text = data.uncast().getString();
        return text == null ? "" : text;
    }

    String value(FormIndex index) {
        return value(form.getMainInstance().resolveReference(index.getReference()).getValue());
    }

    // ── what is written down ───────────────────────────────────────────────────────────────────────────────

    ObjectNode describe(FormEntryPrompt prompt, String ref, String kind) {
        ObjectNode event = events.addObject();
        event.put("event", kind);
        event.put("ref", ref);
        event.put("control", prompt.getControlType());
        event.put("data", prompt.getDataType());
        event.put("required", prompt.isRequired());
        put(event, "label", prompt.getQuestionText());
        if (isSelect(prompt)) {
            ArrayNode names = event.putArray("choices");
            ArrayNode labels = event.putArray("choice_labels");
            for (SelectChoice choice : prompt.getSelectChoices()) {
                names.add(choice.getValue());
                labels.add(prompt.getSelectChoiceText(choice));
            }
        }
        String value = value(prompt.getAnswerValue());
        if (!value.isEmpty()) {
            event.put("value", value);
        }
        return event;
    }

    static void put(ObjectNode event, String key, String value) {
        if (value != null && !value.isEmpty()) {
            event.put(key, value);
        }
    }

    void collect(TreeElement element, ObjectNode values) {
        for (int i = 0; i < element.getNumChildren(); i++) {
            TreeElement child = element.getChildAt(i);
            if (child.getMult() == TreeReference.INDEX_TEMPLATE || !child.isRelevant()
                    || child.getName().equals("meta")) {
                continue;
            }
            if (child.isChildable() && child.hasChildren()) {
                collect(child, values);
            } else {
                values.put(name(child.getRef()), value(child.getValue()));
            }
        }
    }

    static String outcome(int code) {
        return code == FormEntryController.ANSWER_OK ? "ok"
                : code == FormEntryController.ANSWER_REQUIRED_BUT_EMPTY ? "required" : "constraint";
    }

    // ── references ─────────────────────────────────────────────────────────────────────────────────────────

    static String template(TreeReference ref) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < ref.size(); i++) {
            text.append('/').append(ref.getName(i));
        }
        return text.toString();
    }

    /** {@code /data/member[2]/age}: an instance number on every step that is a repeat, and nowhere else. */
    String name(TreeReference ref) {
        StringBuilder text = new StringBuilder();
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < ref.size(); i++) {
            text.append('/').append(ref.getName(i));
            plain.append('/').append(ref.getName(i));
            if (repeats.contains(plain.toString())) {
                text.append('[').append(Math.max(0, ref.getMultiplicity(i)) + 1).append(']');
            }
        }
        return text.toString();
    }

    /** The repeat that an instance belongs to: its reference without its own number. */
    String repeat(TreeReference ref) {
        String text = name(ref);
        return text.substring(0, text.lastIndexOf('['));
    }

    static TreeReference reference(String text) {
        TreeReference ref = TreeReference.rootRef();
        for (String step : text.substring(1).split("/")) {
            int bracket = step.indexOf('[');
            int number = bracket < 0 ? 0 : Integer.parseInt(step.substring(bracket + 1, step.length() - 1)) - 1;
            ref.add(bracket < 0 ? step : step.substring(0, bracket), number);
        }
        return ref;
    }

    FormIndex index(String ref) {
        FormIndex index = model.incrementIndex(FormIndex.createBeginningOfFormIndex());
        for (; !index.isEndOfFormIndex(); index = model.incrementIndex(index)) {
            if (model.getEvent(index) == FormEntryController.EVENT_QUESTION && name(index.getReference()).equals(ref)) {
                return index;
            }
        }
        return null;
    }

    // ── what an application has to bring ───────────────────────────────────────────────────────────────────

    static IPreloadHandler preload(String name, IAnswerData data) {
        return new IPreloadHandler() {
            public String preloadHandled() {
                return name;
            }

            public IAnswerData handlePreload(String parameter) {
                return parameter.equals("end") ? null : data;
            }

            public boolean handlePostProcess(TreeElement node, String parameter) {
                return false;
            }
        };
    }

    /** {@code pulldata()}, which Collect brings to JavaRosa, over the instance that pyxform declares for it. */
    class PullData implements IFunctionHandler {
        public String getName() {
            return "pulldata";
        }

        public List<Class[]> getPrototypes() {
            return Collections.emptyList();
        }

        public boolean rawArgs() {
            return true;
        }

        public boolean realTime() {
            return false;
        }

        public Object eval(Object[] given, EvaluationContext context) {
            String[] text = new String[4];
            for (int i = 0; i < 4; i++) {
                text[i] = XPathFuncExpr.toString(XPathFuncExpr.unpack(given[i]));
            }
            // JavaRosa leaves out instances that only pulldata() names.
            TreeElement root;
            try {
                root = new CsvExternalInstance().parse(text[0], job.get("media").asText() + "/" + text[0] + ".csv");
            } catch (IOException missing) {
                return "";
            }
            for (int i = 0; i < root.getNumChildren(); i++) {
                TreeElement row = root.getChildAt(i);
                TreeElement key = row.getFirstChild(text[2]);
                if (key != null && value(key.getValue()).equals(text[3])) {
                    TreeElement cell = row.getFirstChild(text[1]);
                    return cell == null ? "" : value(cell.getValue());
                }
            }
            return "";
        }
    }

    static class Attached implements Reference {
        final Path path;
        final String uri;

        Attached(Path path, String uri) {
            this.path = path;
            this.uri = uri;
        }

        public boolean doesBinaryExist() {
            return Files.exists(path);
        }

        public InputStream getStream() throws IOException {
            return new FileInputStream(path.toFile());
        }

        public String getURI() {
            return uri;
        }

        public String getLocalURI() {
            return path.toString();
        }

        public boolean isReadOnly() {
            return true;
        }

        public OutputStream getOutputStream() {
            throw new UnsupportedOperationException();
        }

        public void remove() {
        }

        public Reference[] probeAlternativeReferences() {
            return new Reference[0];
        }
    }
}
