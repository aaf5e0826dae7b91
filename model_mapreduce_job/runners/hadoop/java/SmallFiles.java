package modelmapreducejob;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapred.FileSplit;
import org.apache.hadoop.mapred.InputSplit;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.lib.CombineFileSplit;

/** Puts small files together, since to start a task takes longer than to read one of them. */
final class SmallFiles {
  private static final String MIN_SIZE = "mapreduce.input.fileinputformat.split.minsize";
  private static final long SMALL = 1 << 20;
  private static final long LARGEST = 16 << 20; // a slow model is to have its many tasks all the same
  private static final int MOST_FILES = 10_000;

  private final JobConf job;
  private final long size;
  private final List<InputSplit> made = new ArrayList<>();

  private SmallFiles(JobConf job, long size) {
    this.job = job;
    this.size = size;
  }

  /**
   * Returns the splits, with files under 1 MiB, or under Hadoop's own least size, put together: into as many
   * as Hadoop is to make, more where one would have over 16 MiB. Those of a host come together, as far as
   * there are enough of them. A file that Hadoop has split stays so.
   */
  static InputSplit[] together(InputSplit[] splits, JobConf job, int wanted) throws IOException {
    long least = job.getLong(MIN_SIZE, 1);
    Map<Integer, FileSplit> small = new TreeMap<>(); // by their place in the input
    List<InputSplit> large = new ArrayList<>();
    long bytes = 0;
    Set<Path> split = splitFiles(splits);
    for (int i = 0; i < splits.length; i++) {
      if (splits[i].getLength() < Math.max(SMALL, least) && !split.contains(pathOf(splits[i]))) {
        small.put(i, (FileSplit) splits[i]);
        bytes += splits[i].getLength();
      } else {
        large.add(splits[i]);
      }
    }
    long share = (bytes + Math.max(1, wanted) - 1) / Math.max(1, wanted);
    long size = Math.max(least, Math.min(share, LARGEST));
    SmallFiles files = new SmallFiles(job, size);
    files.made.addAll(large);
    files.pack(files.packByHost(small), "");
    return files.made.toArray(new InputSplit[0]);
  }

  private static Set<Path> splitFiles(InputSplit[] splits) {
    Set<Path> seen = new HashSet<>();
    Set<Path> again = new HashSet<>();
    for (InputSplit split : splits) {
      if (!seen.add(pathOf(split))) {
        again.add(pathOf(split));
      }
    }
    return again;
  }

  private static Path pathOf(InputSplit split) {
    return ((FileSplit) split).getPath();
  }

  /** Makes as many full splits of each host's files as there are; returns the rest. */
  private Map<Integer, FileSplit> packByHost(Map<Integer, FileSplit> files) throws IOException {
    Map<String, Map<Integer, FileSplit>> byHost = new LinkedHashMap<>();
    for (Map.Entry<Integer, FileSplit> file : files.entrySet()) {
      String[] hosts = file.getValue().getLocations();
      byHost.computeIfAbsent(hosts.length > 0 ? hosts[0] : "", host -> new TreeMap<>())
          .put(file.getKey(), file.getValue());
    }
    Map<Integer, FileSplit> rest = new TreeMap<>();
    for (Map.Entry<String, Map<Integer, FileSplit>> host : byHost.entrySet()) {
      rest.putAll(packFull(host.getValue(), host.getKey()));
    }
    return rest;
  }

  private Map<Integer, FileSplit> packFull(Map<Integer, FileSplit> files, String host) throws IOException {
    Map<Integer, FileSplit> begun = new TreeMap<>();
    long bytes = 0;
    for (Map.Entry<Integer, FileSplit> file : files.entrySet()) {
      begun.put(file.getKey(), file.getValue());
      bytes += file.getValue().getLength();
      if (bytes >= size || begun.size() == MOST_FILES) {
        add(begun.values(), host);
        begun = new TreeMap<>();
        bytes = 0;
      }
    }
    return begun;
  }

  private void pack(Map<Integer, FileSplit> files, String host) throws IOException {
    add(packFull(files, host).values(), host);
  }

  private void add(Collection<FileSplit> together, String host) {
    List<FileSplit> files = new ArrayList<>(together);
    if (files.size() < 2) {
      made.addAll(files);
      return;
    }
    made.add(combined(job, files, host.isEmpty() ? new String[0] : new String[] {host}));
  }

  /** Returns one split of several, which are read one after the other. */
  static InputSplit combined(JobConf job, List<FileSplit> files, String[] hosts) {
    Path[] paths = new Path[files.size()];
    long[] starts = new long[paths.length];
    long[] lengths = new long[paths.length];
    for (int i = 0; i < paths.length; i++) {
      FileSplit file = files.get(i);
      paths[i] = file.getPath();
      starts[i] = file.getStart();
      lengths[i] = file.getLength();
    }
    return new CombineFileSplit(job, paths, starts, lengths, hosts);
  }
}
