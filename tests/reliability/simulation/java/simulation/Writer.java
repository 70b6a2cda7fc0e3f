package simulation;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Semaphore;
import mlb.storage.S3ConditionalLogStore;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** A driver that commits some actions as Delta does: list, write the next version, again where it is taken. */
final class Writer {
  final String name;
  private final World world;
  private final Semaphore mine = new Semaphore(0);
  private final Semaphore back = new Semaphore(0);
  private final Thread thread;
  private final List<String> answers;
  private final int commits;
  private volatile boolean ended;

  Writer(String name, World world, List<String> answers, Configuration options) {
    this.name = name;
    this.world = world;
    this.answers = answers;
    this.commits = 1 + world.any(4);
    thread = new Thread(() -> {
      mine.acquireUninterruptibly();
      try {
        work(new S3ConditionalLogStore(options), options);
      } finally {
        ended = true;
        back.release();
      }
    }, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Lets this writer do one more operation; whether there is more to come. */
  boolean goOn() throws InterruptedException {
    mine.release();
    back.acquire();
    return !ended;
  }

  /** The writer's own side of it: lets others go first. */
  void pass() {
    back.release();
    mine.acquireUninterruptibly();
  }

  private void work(S3ConditionalLogStore store, Configuration options) {
    for (int number = 0; number < commits; number++) {
      for (int tries = 0; tries < 8; tries++) {
        String id = name + "." + number + "." + tries;
        String answer = commit(store, options, id);
        if (answer.equals("done")) {
          break;
        }
      }
    }
  }

  /** One commit of one run: the next version, and the one after where that is taken. */
  private String commit(S3ConditionalLogStore store, Configuration options, String id) {
    String folder = world.bucket + "/lake/table/_delta_log/";
    long version = next(store, folder, options);
    // An iterator that fails half-way leaves nothing behind.
    boolean breaks = world.any(12) == 0;
    for (int taken = 0; taken < 50; taken++, version++) {
      String whole = id + "@" + version;
      String answer;
      try {
        store.write(new Path(folder + "%020d.json".formatted(version)), actions(whole, breaks), false, options);
        answer = "done";
      } catch (FileAlreadyExistsException another) {
        answer = "taken";
      } catch (IOException failure) {
        answer = failure.getMessage().contains("is not known") ? "unknown" : "failed";
      } catch (IllegalStateException broken) {
        answer = "broken";
      }
      answers.add(version + " " + whole + " " + answer);
      world.say(name + ": " + whole + " is " + answer);
      if (!answer.equals("taken")) {
        return answer;
      }
    }
    return "taken";
  }

  private static long next(S3ConditionalLogStore store, String folder, Configuration options) {
    long next = 0;
    try {
      for (var files = store.listFrom(new Path(folder + "%020d.json".formatted(0)), options); files.hasNext(); ) {
        next = 1 + Long.parseLong(files.next().getPath().getName().replace(".json", ""));
      }
    } catch (IOException nothing) {
      return 0;
    }
    return next;
  }

  private static Iterator<String> actions(String id, boolean breaks) {
    Iterator<String> lines = List.of("commitInfo", id, "end").iterator();
    return new Iterator<>() {
      private int read;

      @Override
      public boolean hasNext() {
        return lines.hasNext();
      }

      @Override
      public String next() {
        if (breaks && read++ == 2) {
          throw new IllegalStateException("the actions cannot be computed");
        }
        return lines.next();
      }
    };
  }
}
