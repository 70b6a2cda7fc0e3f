package simulation;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * One seed: the objects of a bucket, the faults, and whose turn it is.
 *
 * <p>Writers are threads, of which one at a time goes on; at each of its operations the seed says who is next.
 */
final class World {
  final URI bucket;
  final Map<String, byte[]> objects = new TreeMap<>();
  final List<String> trace = new ArrayList<>();
  final List<String> replaced = new ArrayList<>();
  final Map<String, Integer> faults = new TreeMap<>();
  final boolean careless;
  private final Random random;
  private final double rate;
  private final List<Writer> writers = new ArrayList<>();
  private final List<Runnable> late = new ArrayList<>();
  private Writer current;
  private int step;
  private boolean calm;

  World(long seed) {
    random = new Random(seed * 0x9E3779B97F4A7C15L);
    bucket = URI.create("fake://seed" + seed + "-" + System.nanoTime());
    rate = new double[] {0, 0.1, 0.3}[random.nextInt(3)];
    careless = random.nextInt(20) == 0;
  }

  int any(int bound) {
    return random.nextInt(bound);
  }

  void say(String line) {
    trace.add("%4d %s".formatted(step, line));
  }

  /** One of the faults, or nothing. */
  String fault(String... kinds) {
    if (calm || random.nextDouble() >= rate) {
      return "";
    }
    String kind = kinds[random.nextInt(kinds.length)];
    faults.merge(kind, 1, Integer::sum);
    say("  !! " + kind);
    return kind;
  }

  /** The server's part of a PUT; whether it wrote. */
  boolean write(String key, byte[] content, boolean ifAbsent, String how) {
    boolean there = objects.containsKey(key);
    if (there && ifAbsent && !careless) {
      say("  %s%s: 412".formatted(how, FakeStore.name(key)));
      return false;
    }
    if (there && key.contains("_delta_log")) {
      replaced.add(FakeStore.name(key));
    }
    objects.put(key, content);
    say("  %s%s is written".formatted(how, FakeStore.name(key)));
    return true;
  }

  void later(Runnable arrival) {
    late.add(arrival);
  }

  /** Waits, within a writer's thread, until it is its turn again. */
  void turn(String what) {
    Writer me = current;
    say(me.name + ": " + what);
    me.pass();
    step++;
    if (!late.isEmpty() && random.nextInt(6) == 0) {
      late.remove(random.nextInt(late.size())).run();
    }
  }

  void run(List<Writer> all) throws InterruptedException {
    writers.addAll(all);
    while (!writers.isEmpty()) {
      calm |= step > 400;
      current = writers.get(random.nextInt(writers.size()));
      if (!current.goOn()) {
        writers.remove(current);
      }
    }
    late.forEach(Runnable::run);
  }
}
